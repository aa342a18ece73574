// What forever.js looks for when it is loaded.
document.body.innerHTML = ["txt2img", "img2img"]
  .map((tab) => `
    <button id="${tab}_generate"></button><button id="${tab}_interrupt"></button>
    <div id="${tab}_results_panel"><div id="${tab}_progress"></div></div>`)
  .join("");

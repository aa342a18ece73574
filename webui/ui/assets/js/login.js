// The login page says nothing where the server asks to wait after many wrong passwords; this does.
import { find } from "./dom.js";
import { make } from "./controls.js";

const WAIT = "Too many wrong passwords came from here. Wait a minute, then try again with the right one.";
const SHOWN_MS = 60_000;

/** @param {PerformanceEntry} entry */
function isRefusedLogin(entry) {
  const { name, responseStatus } = /** @type {PerformanceResourceTiming} */ (entry);
  return responseStatus === 429 && /\/login\/?$/.test(new URL(name).pathname);
}

new PerformanceObserver((list) => {
  if (!list.getEntries().some(isRefusedLogin) || find("#login_wait")) return;
  const said = make("p", { id: "login_wait", className: "notice-box error", textContent: WAIT, attributes: { role: "alert" } });
  (find("input[type='password']")?.closest("form, .form, .wrap, .block") ?? document.body).after(said);
  setTimeout(() => said.remove(), SHOWN_MS);
}).observe({ type: "resource" });

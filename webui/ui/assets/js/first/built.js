// Before all others: waits until Gradio has built the page and asks the server what stands in its fields. Scripts that
// look for their places while it builds would be told of each of its thousands of changes, which takes it twice as long.

// The server's script that hands on what this browser keeps says so (memory.py).
if (!window.webui?.forms) await new Promise((resolve) => addEventListener("page-built", resolve, { once: true }));
// Gradio has more to ask first.
await new Promise((resolve) => setTimeout(resolve));

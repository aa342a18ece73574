// After a start with many new files the server looks at them while the page is open: lists fill by themselves.
import { find } from "../dom.js";
import { address } from "../server.js";

/**
 * Listens until all files are known; `changed` is called when there is more to show.
 * @param {() => void} changed
 */
export function listenForFiles(changed) {
  const events = new EventSource(address("v1/cards/events"));
  let [wasBusy, areListsNew] = [false, false];
  events.addEventListener("message", ({ data }) => {
    const { unread, lists } = JSON.parse(data);
    if (!unread) events.close();
    if (!unread && !wasBusy) return;
    wasBusy = true;
    changed();
    if (lists && !areListsNew) renewPickers();
    areListsNew = lists;
  });
}

/** Checkpoints, VAEs and upscalers in the forms. */
function renewPickers() {
  find("#renew_models")?.click();
}

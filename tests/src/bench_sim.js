// Starts one run of the model in a worker of its own. What it did, how long it took there, and the
// memory of its module at the end will be in `window.ran`.
window.ran = null;
const worker = new Worker(new URL("standby/herd-worker.js", location), { type: "module" });
const over = ran => { window.ran = ran; worker.terminate(); };
let last = { events: 0, took_ms: 0 };
worker.onerror = event => over({ failed: event.message });
worker.onmessage = ({ data }) => {
  const says = JSON.parse(data);
  if (says === "ready") worker.postMessage(arguments[0]);
  else if (says.more) last = { events: says.more.events, took_ms: says.more.took_ms };
  else if (says.failed) over({ failed: says.failed });
  else if (says.done !== undefined) over({ ...last, memory_bytes: says.done });
};
return true;

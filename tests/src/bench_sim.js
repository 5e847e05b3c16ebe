// One run of the model in a worker of its own: what it did, how long it took there, and the memory of
// its module at the end.
const worker = new Worker(new URL("standby/herd-worker.js", location), { type: "module" });
try {
  return await new Promise((done, failed) => {
    let last = { events: 0, took_ms: 0 };
    worker.onerror = event => failed(new Error(event.message));
    worker.onmessage = ({ data }) => {
      const says = JSON.parse(data);
      if (says === "ready") worker.postMessage(arguments[0]);
      else if (says.more) last = { events: says.more.events, took_ms: says.more.took_ms };
      else if (says.failed) failed(new Error(says.failed));
      else if (says.done !== undefined) done({ ...last, memory_bytes: says.done });
    };
  });
} finally {
  worker.terminate();
}

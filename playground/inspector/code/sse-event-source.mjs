// Server-Sent Events by the browser's own EventSource: it reconnects by itself, and says with
// Last-Event-ID how far it has come. In a browser only.

const TOPIC_URL = "http://127.0.0.1:3000/api/topics/news";
const RETRY_MS = 1500; // The server sends it as `retry:`, and the browser waits so long.

let position; // Only for a new EventSource: one that lives keeps its own.

function connect() {
  const after = position === undefined ? "" : `&after=${position}`;
  const source = new EventSource(`${TOPIC_URL}/sse?retry_ms=${RETRY_MS}&sub=outside${after}`);
  const on = (type, tell) =>
    source.addEventListener(type, ({ data, lastEventId }) => {
      position = lastEventId;
      tell(JSON.parse(data));
    });
  on("hello", () => {});
  on("message", ({ id, data }) => console.log(`event ${id}: ${JSON.stringify(data)}`));
  on("gap", ({ from, to }) => console.log(`gap: events ${from} to ${to} are lost`));
  on("reset", ({ epoch }) => console.log(`reset: the topic began a new life, ${epoch}`));
  source.onerror = () => {
    console.log("cut: the stream ended");
    // After an answer that is no stream, a 503 for one, the browser gives up for good.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
  };
}

connect();

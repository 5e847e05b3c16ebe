// Server-Sent Events over fetch: the same stream, read by hand. It runs where there is no
// EventSource, and could send headers, which EventSource can't.

const TOPIC_URL = "http://127.0.0.1:3000/api/topics/news";
const RETRY_MS = 1500; // Asked of the server, which says it as `retry:`.

let position; // The last `id:` of the stream: all that recovery needs.
let retry_ms = RETRY_MS;

async function follow() {
  const headers = position === undefined ? {} : { "Last-Event-ID": position };
  const url = `${TOPIC_URL}/sse?retry_ms=${RETRY_MS}&sub=outside`;
  const answer = await fetch(url, { headers, cache: "no-store" });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  let rest = "";
  const decoder = new TextDecoder();
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error("the stream ended");
    rest += decoder.decode(value, { stream: true });
    // A blank line dispatches. What stands behind the last one is not whole yet.
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    blocks.forEach(dispatch);
  }
}

function dispatch(block) {
  let type = "message";
  const data = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
    if (name === "id") position = value;
    else if (name === "event") type = value;
    else if (name === "data") data.push(value);
    else if (name === "retry") retry_ms = Number(value);
    // No name: a comment, which keeps the connection alive.
  }
  if (data.length === 0) return;
  const news = JSON.parse(data.join("\n"));
  if (type === "message") console.log(`event ${news.id}: ${JSON.stringify(news.data)}`);
  if (type === "gap") console.log(`gap: events ${news.from} to ${news.to} are lost`);
  if (type === "reset") console.log(`reset: the topic began a new life, ${news.epoch}`);
}

for (;;) {
  try {
    await follow();
  } catch (error) {
    console.log(`cut: ${error.message}`);
  }
  await new Promise((resolve) => setTimeout(resolve, retry_ms));
}

// WebSocket: one connection, both ways. It says when it is gone; coming back is up to us.

const TOPIC_URL = "http://127.0.0.1:3000/api/topics/news";
const BACKOFF = { kind: "full-jitter", base_ms: 1000, cap_ms: 30000 };

let epoch; // The life of the topic that our ids belong to.
let position; // The last id that we have, with its epoch: all that recovery needs.

function connect() {
  const after = position === undefined ? "" : `&after=${position}`;
  const socket = new WebSocket(`${TOPIC_URL.replace("http", "ws")}/ws?sub=outside${after}`);
  socket.onmessage = ({ data }) => {
    const { id, data: news, hello, gap, reset } = JSON.parse(data);
    if (reset) console.log(`reset: the topic began a new life, ${reset.epoch}`);
    if (gap) console.log(`gap: events ${gap.from} to ${gap.to} are lost`);
    if (id !== undefined) console.log(`event ${id}: ${JSON.stringify(news)}`);
    const begins = hello ?? reset;
    if (begins) {
      epoch = begins.epoch;
      failures = 0;
    }
    const last_id = begins?.last_id ?? gap?.to ?? id;
    if (last_id !== undefined) position = epoch === null ? last_id : `${epoch}:${last_id}`;
  };
  // A handshake that failed is told in the same way, as code 1006.
  socket.onclose = ({ code }) => {
    console.log(`cut: close code ${code}`);
    setTimeout(connect, backoff(++failures));
  };
}

// How long to wait before attempt k after a cut, from 1.
let waited_ms = BACKOFF.base_ms;
function backoff(k) {
  const { kind, base_ms, cap_ms } = BACKOFF;
  const exponential = Math.min(cap_ms, base_ms * 2 ** (k - 1));
  if (kind === "fixed") return base_ms;
  if (kind === "exponential") return exponential;
  if (kind === "full-jitter") return Math.random() * exponential;
  if (kind === "equal-jitter") return exponential / 2 + Math.random() * exponential / 2;
  waited_ms = Math.min(cap_ms, base_ms + Math.random() * (3 * waited_ms - base_ms));
  return waited_ms; // decorrelated jitter
}

let failures = 0;
connect();

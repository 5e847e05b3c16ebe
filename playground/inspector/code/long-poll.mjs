// Long polling: ask, and the server holds the request until there is news or the time is up.

const TOPIC_URL = "http://127.0.0.1:3000/api/topics/news";
const TIMEOUT_MS = 25000; // How long the server may hold a request.
const BACKOFF = { kind: "full-jitter", base_ms: 1000, cap_ms: 30000 };

let position; // The last id that we have, with the topic's epoch: all that recovery needs.

async function ask() {
  const after = position === undefined ? "" : `&after=${position}`;
  const url = `${TOPIC_URL}/long-poll?timeout_ms=${TIMEOUT_MS}&sub=outside${after}`;
  // Silence is what a long poll is made of. Only past the server's time-out is it a sign.
  const signal = AbortSignal.timeout(TIMEOUT_MS + 10_000);
  const answer = await fetch(url, { signal, cache: "no-store" });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const { epoch, events, gap, reset, last_id } = await answer.json();
  if (reset) console.log(`reset: the topic began a new life, ${reset.epoch}`);
  if (gap) console.log(`gap: events ${gap.from} to ${gap.to} are lost`);
  for (const { id, data } of events) console.log(`event ${id}: ${JSON.stringify(data)}`);
  position = epoch === null ? last_id : `${epoch}:${last_id}`;
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

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

for (let failures = 0; ; ) {
  const asked = Date.now();
  try {
    await ask();
    failures = 0;
    // An answer leads to the next question at once. Only a server that does not hold is spared.
    if (Date.now() - asked < 10) await sleep(10);
  } catch (error) {
    console.log(`cut: ${error.message}`);
    await sleep(backoff(++failures));
  }
}

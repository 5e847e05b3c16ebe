// Short polling: ask, get an answer at once, wait, ask again.

const TOPIC_URL = "http://127.0.0.1:3000/api/topics/news";
const INTERVAL_MS = 1000;
const CONDITIONAL = true; // An answer that brings nothing is then a 304 without a body.

let position; // The last id that we have, with the topic's epoch: all that recovery needs.
let etag;

async function ask() {
  const after = position === undefined ? "" : `&after=${position}`;
  const headers = CONDITIONAL && etag ? { "If-None-Match": etag } : {};
  const signal = AbortSignal.timeout(30_000);
  const answer = await fetch(`${TOPIC_URL}/poll?sub=outside${after}`, { headers, signal, cache: "no-store" });
  if (answer.status === 304) return;
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const { epoch, events, gap, reset, last_id } = await answer.json();
  if (reset) console.log(`reset: the topic began a new life, ${reset.epoch}`);
  if (gap) console.log(`gap: events ${gap.from} to ${gap.to} are lost`);
  for (const { id, data } of events) console.log(`event ${id}: ${JSON.stringify(data)}`);
  position = epoch === null ? last_id : `${epoch}:${last_id}`;
  etag = answer.headers.get("ETag");
}

for (;;) {
  const due = Date.now() + INTERVAL_MS;
  try {
    await ask();
  } catch (error) {
    // The position has not moved: the next question asks for the same again.
    console.log(`cut: ${error.message}`);
  }
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())));
}

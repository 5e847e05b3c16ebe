// Asks the server in every way that a page of the book does, and observes what that is on the wire.
// No wait is for a time, but for what the server itself does after one.
const json = { 'Content-Type': 'application/json' };
const scenario = {
    v: 1,
    lanes: [{ transport: 'short-poll', interval_ms: 1000 }],
    publish: { every_ms: 0 },
};
const started = await fetch('/api/experiments', {
    method: 'POST', headers: json, body: JSON.stringify({ scenario }),
});
const { topic, key } = await started.json();
const path = `/api/topics/${topic}/`;
const socket = target => new WebSocket(`ws://${location.host}${path}${target}`);

const records = [];
const waiting = [];
const observer = socket(`observe?key=${key}`);
observer.onmessage = message => {
    records.push(JSON.parse(message.data));
    for (const look of waiting.splice(0)) look();
};
await new Promise(opened => { observer.onopen = opened; });
// Until the observer was told of so many such records since `from`.
const told = async (is, count = 1, from = 0) => {
    while (records.slice(from).filter(is).length < count) await new Promise(look => waiting.push(look));
};
const wire = (sub, part, direction) => ({ wire }) =>
    wire?.sub === sub && wire.part === part && wire.direction === direction;

const get = async (target, headers = {}) => {
    const answer = await fetch(path + target, { cache: 'no-store', headers });
    await answer.text();
    return answer;
};
const publish = (data, once) => fetch(`${path}events`, {
    method: 'POST', cache: 'no-store', headers: json, body: `{"data":${data},"key":"${once}"}`,
});
const fault = what => fetch(`${path}faults?key=${key}`, {
    method: 'POST', cache: 'no-store', headers: json, body: JSON.stringify(what),
});

await get('poll?after=0&sub=short-poll&n=1');
await publish('{"price":99.96}', '1a2b');
const tag = (await get('poll?after=0&sub=short-poll&n=2')).headers.get('etag');
const position = tag.replaceAll('"', '');
await get('poll?after=0&sub=short-poll&n=3', { 'If-None-Match': tag });
await get(`poll?after=${position}&sub=short-poll&n=4`, { 'If-None-Match': tag });
await get('poll?after=dead:9&sub=short-poll&n=5');
await get(`long-poll?after=${position}&timeout_ms=300&sub=long-poll&n=1`);

// A stream over fetch, and one that goes on; each until its first comment.
for (const again of [{}, { 'Last-Event-ID': position }]) {
    const from = records.length;
    const controller = new AbortController();
    const answer = await fetch(`${path}sse?after=0&sub=sse-fetch&n=1&retry_ms=1000&keep_alive_ms=500`, {
        cache: 'no-store',
        headers: { Accept: 'text/event-stream', ...again },
        signal: controller.signal,
    });
    await answer.body.getReader().read();
    await told(record => wire('sse-fetch', 'chunk', 'to-client')(record) && record.wire.bytes === 'Mw0KOgoKDQo=', 1, from);
    controller.abort();
    await told(record => record.closed?.sub === 'sse-fetch', 1, from);
}

// The browser's own: it is dropped, comes back, and gives up on a 503.
const source = new EventSource(`${path}sse?after=0&sub=sse&n=1&retry_ms=500&keep_alive_ms=500`);
const hello = () => new Promise(said => source.addEventListener('hello', said, { once: true }));
const news = id => new Promise(said => source.addEventListener('message', message => {
    if (JSON.parse(message.data).id === id) said();
}));
await hello();
const second = news(2);
await publish('{"price":99.89}', '1a2c');
await second;
const back = hello();
await fault({ kind: 'drop', sub: 'sse' });
await back;
await fault({ kind: 'unavailable', sub: 'sse', for_ms: 5000 });
const gaveUp = new Promise(over => { source.onerror = () => source.readyState === 2 && over(); });
await fault({ kind: 'drop', sub: 'sse' });
await gaveUp;

// A socket, to its second pong; and one that is turned away.
const first = socket('ws?after=0&sub=websocket&n=1&keep_alive_ms=500&heartbeat_ms=500');
await new Promise(opened => { first.onopen = opened; });
await told(wire('websocket', 'frame', 'to-server'));
first.send('{"data":{"price":1}}');
await told(wire('websocket', 'frame', 'to-server'), 3);
await fault({ kind: 'unavailable', sub: 'websocket', for_ms: 5000, retry_after_s: 2 });
const turnedAway = socket('ws?after=0&sub=websocket&n=2');
await new Promise(over => { turnedAway.onclose = over; });
await get('long-poll?after=0&timeout_ms=300&sub=websocket&n=1');
first.close(1000);
await told(record => record.closed?.sub === 'websocket' && record.closed.n === 1);
return { agent: navigator.userAgent, records };

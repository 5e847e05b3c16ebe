// The page's half of live reload. Only a book that `cargo xtask serve` serves has it.
(() => {
  const url = location.origin.replace(/^http/, "ws") + "/api/dev/reload";
  let lost = false;
  const connect = () => {
    const socket = new WebSocket(url);
    socket.onopen = () => {
      // The server was rebuilt: so may the page have been.
      if (lost) location.reload();
    };
    socket.onmessage = () => location.reload();
    socket.onclose = () => {
      lost = true;
      setTimeout(connect, 1000);
    };
  };
  connect();
})();

// Steers and listens with the npm package `node-osc`: PORT OWN. Its client cannot hear, so it listens at the port OWN.
// Prints every message that comes, until a pong has come.
const { Bundle, Client, Message, Server } = require("node-osc");

const [port, own] = process.argv.slice(2).map(Number);
const client = new Client("127.0.0.1", port);
const send = (...message) => new Promise((done) => client.send(...message, done));
const server = new Server(own, "127.0.0.1", async () => {
  await send("/sda/listen", own, "slider");
  await send("/sda/slider/brightness", 3.5);
  await send(new Bundle(["/sda/slider/2", -1.5], ["/sda/gain", -6]));
  // Four bytes: this client does not pad a blob, and a packet that is no multiple of four is refused.
  const blob = new Message("/sda/ping", 7);
  blob.append({ type: "blob", value: Buffer.from([1, 2, 3, 4]) });
  await send(blob);
});
server.on("message", (message) => {
  console.log(JSON.stringify(message));
  if (message[0] === "/sda/pong") {
    server.close();
    client.close();
  }
});

// Steers and asks with the npm package `osc-js`, which hears at the port that it sends from: PORT OWN.
// Prints every message that comes, until a pong has come.
const OSC = require("osc-js");

const [port, own] = process.argv.slice(2).map(Number);
const plugin = new OSC.DatagramPlugin({ open: { host: "127.0.0.1", port: own }, send: { host: "127.0.0.1", port } });
const osc = new OSC({ plugin });
osc.on("*", (message) => {
  console.log(JSON.stringify([message.address, ...message.args]));
  if (message.address === "/sda/pong") {
    osc.close();
  }
});
osc.on("open", () => {
  osc.send(new OSC.Message("/sda/play", true));
  osc.send(new OSC.Message("/sda/q/play"));
  const bundle = new OSC.Bundle([new OSC.Message("/sda/slider/1", 2.5), new OSC.Message("/sda/vocoder", "hifigan")]);
  bundle.timestamp(Date.now() - 1000);
  osc.send(bundle);
  osc.send(new OSC.Message("/sda/q/slider/1"));
  osc.send(new OSC.Message("/sda/ping", 8, "x", new Uint8Array([4, 5])));
});
osc.open();

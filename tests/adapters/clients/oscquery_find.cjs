// Waits until the npm package `oscquery` has found a server at a port by zeroconf: PORT. Prints its host info.
const { OSCQueryDiscovery } = require("oscquery");

const discovery = new OSCQueryDiscovery();
discovery.on("up", (service) => {
  if (service.port === Number(process.argv[2])) {
    console.log(JSON.stringify(service.hostInfo));
    process.exit(0);
  }
});
discovery.start();

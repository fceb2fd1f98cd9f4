// Reads the tree of an OSCQuery server with the npm package `oscquery`: PORT. Prints the host info, then every method.
const { OSCQueryDiscovery } = require("oscquery");

async function main() {
  const service = await new OSCQueryDiscovery().queryNewService("127.0.0.1", Number(process.argv[2]));
  console.log(JSON.stringify(service.hostInfo));
  for (const method of service.flat()) {
    console.log(JSON.stringify(method));
  }
}
main();

import { DhtNode } from './dht-node.ts'

/** A small DHT on one address; says where it begins and runs until it is ended. */
const nodes = await DhtNode.network(10, process.argv[2])
console.log(JSON.stringify({ addr: nodes[0]?.addr }))
process.once('SIGTERM', () => process.exit(0))

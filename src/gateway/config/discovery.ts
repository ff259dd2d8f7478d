import { z } from 'zod'

const endpointText = z.string().min(1).max(2000)

/** How other nodes are found beyond what the configuration names. */
export const discoverySchema = z
  .strictObject({
    trackers: z
      .array(endpointText)
      .max(16)
      .optional()
      .describe('trackers by node id or ticket; default: the one of K2 applications in mode n0, none in the others'),
    mdns: z
      .boolean()
      .default(false)
      .describe('be found, and find other nodes, on the local network (mDNS, as iroh nodes do); not in mode loopback'),
    dht: z
      .strictObject({
        enabled: z.boolean().default(false).describe('find nodes by their id in the mainline DHT, without any server'),
        bootstrap: z
          .array(endpointText)
          .max(32)
          .optional()
          .describe('host:port of DHT nodes to begin with; default: public ones'),
        publish: z
          .boolean()
          .default(true)
          .describe('tell the DHT where this node is: relay and public addresses, never those of a local network'),
        closed: z
          .boolean()
          .default(false)
          .describe('the DHT is your own on a closed network: private addresses are published and believed; needs bootstrap'),
      })
      .prefault({}),
    announce: z.boolean().default(true).describe('tell the trackers which topics this node has joined; never direct messages'),
  })
  .prefault({})

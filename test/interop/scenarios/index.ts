import type { Scenario } from '../lab/scenario.ts'
import { blobs } from './blobs.ts'
import { blobsFlood } from './blobs-flood.ts'
import { blobsResume } from './blobs-resume.ts'
import { blobsWire } from './blobs-wire.ts'
import { books } from './books.ts'
import { docs } from './docs.ts'
import { gossipBasic } from './gossip-basic.ts'
import { gossipDefects } from './gossip-defects.ts'
import { gossipLife } from './gossip-life.ts'
import { gossipMesh } from './gossip-mesh.ts'
import { gossipWire } from './gossip-wire.ts'
import { hostScenarios } from './hosts.ts'
import { relayScenarios } from './hosts-relay.ts'
import { k2 } from './k2.ts'
import { k2Hosted } from './k2-hosted.ts'
import { peers } from './peers.ts'
import { sync } from './sync.ts'
import { syncMore } from './sync-more.ts'
import { vectors } from './vectors.ts'

/** All scenarios, in the order of the report. */
export const scenarios = (binary: () => string): readonly Scenario[] => [
  ...peers,
  vectors(binary),
  ...gossipBasic,
  ...gossipWire,
  ...gossipLife,
  ...gossipMesh,
  ...gossipDefects,
  ...hostScenarios,
  ...relayScenarios,
  ...k2,
  ...k2Hosted,
  ...blobs,
  ...blobsWire,
  ...blobsResume,
  ...blobsFlood,
  ...docs,
  ...books,
  ...sync,
  ...syncMore,
]

import { BoundedMap } from '../../base/bounded-map.ts'
import { idBytes, type PeerId } from '../ids.ts'
import { pointFault } from '../keys/curve-point.ts'
import type { IdCheck, IdVerdict } from './proto/messages.ts'

/** Verdicts remembered: a check costs 0.2 ms and the same ids come again and again. */
const VERDICTS_MAX = 4_096

/** Judges ids that other peers mention (gossip 14 T-24), remembering verdicts. */
export function createPeerIdCheck(max = VERDICTS_MAX): IdCheck {
  const verdicts = new BoundedMap<PeerId, IdVerdict>({ max })
  return (id) => {
    const known = verdicts.get(id, 0)
    if (known !== undefined) return known
    const fault = pointFault(idBytes(id))
    const verdict = fault === undefined ? 'usable' : fault === 'not-on-curve' ? 'invalid' : 'unusable'
    verdicts.set(id, verdict, 0)
    return verdict
  }
}

export { type AlertCard, alertCard } from './card.ts'
export { alertId, type Decided, decide, digestTime, mergeCandidates, reminderTime } from './decide.ts'
export { buildDigest, type Digest, type DigestGroup } from './digest.ts'
export { Expansion } from './expansion.ts'
export { fingerprint, hammingDistance, type Simhash, simhash } from './fingerprint.ts'
export { type HourRange, inHours, isTimeZone, type LocalTime, localTime, nextLocal, parseHours } from './local-time.ts'
export {
  type AlertCandidate,
  type AlertCause,
  type AlertDecision,
  type AlertStep,
  DEFAULT_RECIPIENT,
  type Recipient,
  type Urgency,
} from './model.ts'
export { type AlertChange, type AlertRecord, AlertState, type DigestEntry } from './state.ts'

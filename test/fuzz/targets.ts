import { K2_TARGETS, type Target } from './decoders.ts'
import { WIRE_TARGETS } from './wire-decoders.ts'

/** Every decoder of what strangers send. */
export const TARGETS: readonly Target[] = [...K2_TARGETS, ...WIRE_TARGETS]

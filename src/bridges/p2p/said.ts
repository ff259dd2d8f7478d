import { hashId } from '../../base/ids.ts'

/** Text that is compared, UTF-16 units; longer ones are sent in parts that are cut alike. */
const COMPARED = 1_000
/** What a gateway puts before a message that comes late. */
const TIME_LINE = /^🕒 \d{4}-\d\d-\d\d \d\d:\d\d UTC\n/u

/**
 * Two lines are copies of one message when their gateways say so and they say the same: a sender that only claims to repeat a
 * message must not keep it from anybody.
 */
export const saidAs = (origin: string, text: string): string =>
  hashId([origin, text.replace(TIME_LINE, '').trim().slice(0, COMPARED)])

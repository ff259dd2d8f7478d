import { K2Error } from '../../base/errors.ts'
import type { OwnMessages } from '../pipeline/say.ts'
import type { OutgoingRow } from './notices.ts'
import type { RuleJobs } from './rule-jobs.ts'

/** Notices to K2 go by the lanes of the pipeline: in order, once, and for as long as their receiver is away. */
export function toK2(outbox: Pick<OwnMessages, 'say'>): (row: OutgoingRow) => Promise<void> {
  return async ({ id, target, notice }) => {
    for (const to of target.to) {
      if (to.kind !== 'place') continue
      const key = `market ${id}`
      await outbox.say({ key, place: to.place, rich: notice.rich, ...(target.author && { author: target.author }) })
      return
    }
    throw new K2Error({ code: 'MARKET_NOWHERE', kind: 'input', message: 'there is nowhere on K2 to say it' })
  }
}

/** Orders of rules go to the job queues. */
export function toQueues(jobs: Pick<RuleJobs, 'order'>): (row: OutgoingRow) => Promise<void> {
  return async ({ target: { job } }) => {
    if (job === undefined) throw new K2Error({ code: 'MARKET_NO_JOB', kind: 'input', message: 'an order without a job' })
    await jobs.order(job)
  }
}

import { K2Error } from '../../base/errors.ts'

export const tooLarge = (size: number, max: number): K2Error =>
  new K2Error({
    code: 'GOSSIP_TOO_LARGE',
    kind: 'limit',
    message: `a gossip message carries at most ${max} bytes, not ${size}`,
    data: { size, max },
  })

export const topicClosed = (): K2Error =>
  new K2Error({ code: 'GOSSIP_CLOSED', kind: 'closed', message: 'this subscription has been closed' })

export const tooBusy = (waiting: number): K2Error =>
  new K2Error({
    code: 'GOSSIP_BUSY',
    kind: 'limit',
    retry: 'later',
    message: 'too many messages wait to be sent; wait for broadcast to resolve before the next one',
    data: { waiting },
  })

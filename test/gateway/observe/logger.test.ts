import { describe, expect, it } from 'vitest'
import { K2Error } from '../../../src/base/errors.ts'
import { Secret } from '../../../src/base/secret.ts'
import { createLogger, scrub } from '../../../src/gateway/observe/logger.ts'

const TELEGRAM = '123456789:AAFakeFakeFakeFakeFakeFakeFakeFakeFak'
const DISCORD = `${'M'.repeat(24)}.${'G'.repeat(6)}.${'x'.repeat(38)}`
const WEBHOOK = `https://discord.com/api/webhooks/123456789012345678/${'w'.repeat(68)}`

function lines(run: (log: ReturnType<typeof createLogger>) => void): string {
  let out = ''
  run(
    createLogger({
      level: 'debug',
      pretty: 'never',
      instance: 't',
      to: {
        write: (line) => {
          out += line
        },
      },
    }),
  )
  return out
}

describe('log lines', () => {
  it('never contain a token, wherever it stands', () => {
    const out = lines((log) => {
      log.info({ token: TELEGRAM, account: { token: DISCORD } }, `calling https://api.telegram.org/bot${TELEGRAM}/getMe`)
      log.warn({ err: new Error(`request to ${WEBHOOK} failed`) }, 'send')
      log.error(
        { err: new K2Error({ code: 'X_Y', kind: 'platform', message: `bad ${DISCORD}`, cause: new Error(TELEGRAM) }) },
        'x',
      )
      log.child({ mod: 'db' }).info({ target: 'postgres://gw:hunter2@db/k2', s: new Secret('canary') })
    })
    for (const secret of [TELEGRAM, TELEGRAM.split(':')[1], DISCORD, 'w'.repeat(68), 'hunter2', 'canary'])
      expect(out).not.toContain(secret)
    expect(out).toContain('X_Y')
  })

  it('cut texts that others control', () => {
    expect(lines((log) => log.info({ name: 'a'.repeat(5000) })).length).toBeLessThan(500)
  })
})

describe('scrub', () => {
  it('leaves ordinary text alone', () => {
    const text = 'Offer at 12:30, ids 123456789012345678, https://example.org/a?b=c user@example.org'
    expect(scrub(text)).toBe(text)
  })
})

import * as library from 'discord.js'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { Secret } from '../../../src/base/secret.ts'
import { DiscordRest } from '../../../src/bridges/discord/rest.ts'
import { FakeDiscord } from '../../fakes/discord/server.ts'

let fake: FakeDiscord
let rest: DiscordRest
afterEach(async () => {
  rest?.close()
  await fake?.close()
})

test('while much is refused only what must be is asked for (bridging 16)', async () => {
  fake = await FakeDiscord.start()
  const { control, info } = fake
  rest = new DiscordRest(library, {
    token: new Secret(info.token),
    api: info.apiUrl,
    timeoutMs: 5_000,
    globalPerSecond: 50,
    sparingFrom: 3,
    clock: systemClock,
  })
  const { signal } = new AbortController()
  const ask = (essential: boolean) =>
    rest.call(
      {
        method: 'GET',
        path: `/channels/${info.channel}/messages`,
        auth: 'bot',
        ...(!essential && { essential: false as const }),
      },
      signal,
    )
  expect((await ask(false)).ok).toBe(true)
  control.deny({ channel: info.channel, bot: info.bot, permissions: ['READ_MESSAGE_HISTORY', 'VIEW_CHANNEL'] })
  for (let n = 0; n < 3; n++) expect(await ask(true)).toMatchObject({ ok: false, failure: { kind: 'api', status: 403 } })
  const asked = control.requests({ method: 'GET' }).length
  expect(await ask(false)).toMatchObject({ ok: false, failure: { kind: 'rate-limit', afterMs: 60_000 } })
  expect(control.requests({ method: 'GET' })).toHaveLength(asked)
  expect(await ask(true)).toMatchObject({ ok: false, failure: { kind: 'api', status: 403 } })
})

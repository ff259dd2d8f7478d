import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Stage, until } from './stage.ts'

/**
 * The equivalents of K2's 36 commands (k2-application 4.2) as people find them: the slash commands registered with Discord, the menus
 * set at Telegram, and the operations of the OpenAPI document. What each of them does is tested where docs/events.md says. A dash: none
 * is asked for there, or docs/events.md says why there is none.
 */
const ROWS: readonly (readonly [capability: string, discord: string, telegram: string, http: string])[] = [
  ['1 start, status', 'k2 node status', 'k2_status', 'GET /node'],
  ['2 own id', 'k2 node id', 'k2_id', 'GET /node/id'],
  ['3 show profile', 'k2 profile show', 'k2_profile', 'GET /profile'],
  ['4 image', 'k2 profile image', '-', '-'],
  ['5 set text', 'k2-admin profile set', 'k2_profile_set', 'PATCH /profile'],
  ['6 set image', 'k2-admin profile image-set', 'k2_profile_image', '-'],
  ['7 add contact', 'k2 contact add', 'k2_contact_add', 'POST /contacts'],
  ['8 remove contact', 'k2 contact remove', 'k2_contact_remove', 'DELETE /contacts/{contact}'],
  ['9 rename', 'k2 contact rename', 'k2_contact_rename', 'PATCH /contacts/{contact}'],
  ['10 list', 'k2 contact list', 'k2_contacts', 'GET /contacts'],
  ['11 ping', 'k2 contact ping', 'k2_ping', 'POST /contacts/{contact}/ping'],
  ['12 send DM', 'k2 dm send', 'k2_dm', 'POST /dm/{contact}/messages'],
  ['13 receive DM', 'k2 dm pair', 'k2_pair', '-'],
  ['14, 15 share a file', 'k2 file share', 'k2_share', '-'],
  ['16 fetch a ticket', 'k2 file get', 'k2_get', 'POST /jobs/blob-fetch'],
  ['17 QR', 'k2 qr', 'k2_qr', 'POST /qr'],
  ['18, 19 classify', 'k2 intent parse', 'k2_intent', 'POST /intents/parse'],
  ['20 jitter', '-', '-', '-'],
  ['21 join topic', 'k2-admin topic join', 'k2_topic_join', 'PUT /topics/{topic}'],
  ['21 leave topic', 'k2-admin topic leave', 'k2_topic_leave', 'DELETE /topics/{topic}'],
  ['22 publish offer', 'k2 sell', 'k2_sell', 'POST /intents'],
  ['22 exchange', 'k2 exchange', 'k2_exchange', 'POST /intents/exchange'],
  ['23 interest', 'k2 offer interest', 'k2_offer_interest', 'POST /offers/{id}/interest'],
  ['23 standing intent', 'k2 buy', 'k2_buy', 'POST /intents/want'],
  ['24 list offers', 'k2 offers', 'k2_offers', 'GET /offers'],
  ['25 live feed', 'k2 alert add', 'k2_alert_add', 'POST /alerts'],
  ['26 folders', 'k2-admin sync folders', 'k2_folders', 'GET /sync/folders'],
  ['27 add folder', 'k2-admin sync add', '-', 'POST /sync/folders'],
  ['27 edit folder', 'k2-admin sync edit', '-', 'PATCH /sync/folders/{folder}'],
  ['27 invite', 'k2-admin sync invite', '-', 'POST /sync/folders/{folder}/invite'],
  ['28 leave folder', 'k2-admin sync leave', 'k2_sync_leave', 'DELETE /sync/folders/{folder}'],
  ['29 devices', 'k2-admin sync devices', '-', 'GET /sync/devices'],
  ['30 add device', 'k2-admin sync device-add', '-', 'POST /sync/devices'],
  ['31 remove device', 'k2-admin sync device-remove', '-', 'DELETE /sync/devices/{device}'],
  ['32 test device', 'k2-admin sync test', '-', 'POST /sync/devices/{device}/test'],
  ['33 settings', 'k2-admin sync settings', '-', 'GET /sync/settings'],
  ['34 change settings', 'k2-admin sync settings-set', '-', 'PATCH /sync/settings'],
  ['35 sync now', 'k2-admin sync now', 'k2_sync_now', 'POST /jobs/sync'],
  ['36 accept', 'k2-admin sync accept', 'k2_sync_accept', 'POST /sync/invitations/{folder}/accept'],
  ['36 reject', 'k2-admin sync reject', 'k2_sync_reject', 'POST /sync/invitations/{folder}/reject'],
]

describe('the 36 capabilities of K2', () => {
  let stage: Stage
  const found = { discord: new Set<string>(), telegram: new Set<string>(), http: new Set<string>() }

  beforeAll(async () => {
    stage = await Stage.open({
      config: (s) => {
        const chat = s.telegram.control.addChat({ title: 'room', members: [s.bot.id, s.tess] })
        const { guild, channel } = s.discord.info
        const members = [{ place: `discord/main/${guild}/${channel}` }, { place: `telegram/main/${chat}` }]
        return { routes: [{ id: 'room', members }], market: { enabled: true } }
      },
    })
    const { discord, telegram, bot } = stage
    await until(() => discord.control.commands({ bot: discord.info.bot }).length >= 2)
    // Ordinary people and administrators have menus of their own.
    const scopes = ['default', 'all_chat_administrators']
    await until(() => scopes.every((scope) => telegram.control.menu(bot.id, scope).length > 0))
    const menus = () => scopes.flatMap((scope) => telegram.control.menu(bot.id, scope))
    for (const { command } of menus()) found.telegram.add(command)
    const walk = (commands: readonly { name: string; type?: number; options?: readonly object[] }[], path: string): void => {
      for (const { name, type, options = [] } of commands) {
        if (path !== '' && type !== 1 && type !== 2) continue
        const here = `${path} ${name}`.trim()
        found.discord.add(here)
        walk(options as never, here)
      }
    }
    const registered = discord.control.requests({ method: 'PUT', path: '/commands' }).at(-1)?.body
    walk(registered as never, '')
    const { body } = await stage.api<{ paths: Record<string, Record<string, unknown>> }>('GET', '/openapi.json')
    for (const [path, methods] of Object.entries(body.paths))
      for (const method of Object.keys(methods)) found.http.add(`${method.toUpperCase()} ${path.replace(/^\/api\/v1/, '')}`)
  }, 300_000)
  afterAll(() => stage?.close())

  it.each(ROWS)('%s: %s, /%s, %s', (_, discord, telegram, http) => {
    if (discord !== '-') expect(found.discord).toContain(discord)
    if (telegram !== '-') expect(found.telegram).toContain(telegram)
    if (http !== '-') expect(found.http).toContain(http)
  })
})

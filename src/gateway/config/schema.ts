import { z } from 'zod'
import { placeKey } from '../../bridges/model/place.ts'
import { conditionSchema, ruleSchema } from '../../rules/index.ts'
import { accessSchema } from './access.ts'
import { authorRateSchema } from './author-rate.ts'
import { blobsSchema, routeFilesSchema } from './blobs.ts'
import { directSchema, inboxProblem } from './direct.ts'
import { discoverySchema } from './discovery.ts'
import { docsSchema } from './docs.ts'
import { httpSchema } from './http.ts'
import { marketSchema } from './market.ts'
import { mediaSchema } from './media.ts'
import { moderationProblem, moderationSchema, routeModerationSchema } from './moderation.ts'
import { place } from './places.ts'
import { secret } from './secrets.ts'
import { syncSchema } from './sync.ts'
import { duration } from './units.ts'

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/
const name = (what: string): z.ZodString => z.string().regex(NAME, `${what}: 1 to 32 lower-case letters, digits or -`)

const member = z.strictObject({
  place,
  direction: z.enum(['both', 'in', 'out']).default('both').describe('in: only read from it; out: only write to it'),
  identity: z.enum(['webhook', 'bot']).default('webhook').describe('how authors are shown on Discord'),
  prefix: z.string().max(50).optional().describe('before author names shown here'),
  suffix: z.string().max(50).optional().describe('behind author names shown here'),
})

/** One route as the file writes it. */
export const routeSchema = z.strictObject({
  id: name('a route id'),
  members: z.array(member).min(2, 'a route joins at least two places'),
  bots: z.enum(['none', 'all']).default('none').describe('whether messages of other bots and webhooks are bridged'),
  maxAge: duration().prefault('24h').describe('older undelivered messages expire'),
  filters: z
    .array(
      z.strictObject({
        name: name('a filter name'),
        when: conditionSchema,
        action: z
          .enum(['allow', 'drop', 'hold', 'notify'])
          .describe('hold: a moderator decides; notify: it passes, and the moderators are told'),
        dryRun: z.boolean().optional().describe('only note what would have happened'),
      }),
    )
    .max(100)
    .optional()
    .describe('named conditions of this route; the first that holds decides'),
  moderation: routeModerationSchema.optional().describe('standing limits of this route'),
  authorRate: authorRateSchema.optional().describe('how fast one person may write here; default: limits.authorRate'),
  backfill: z
    .int()
    .min(0)
    .max(500)
    .optional()
    .describe('messages carried over when the gateway reads a Discord channel for the first time; default none'),
  notices: z.boolean().optional().describe('show joins, pins and the like as lines'),
  typing: z.boolean().optional().describe('show that somebody is writing; only Discord tells it, from the next connection on'),
  pins: z
    .enum(['notice', 'pin'])
    .optional()
    .describe('pin: what somebody pins is pinned elsewhere too, or told where that is not possible'),
  mentions: z
    .enum(['linked', 'none'])
    .optional()
    .describe('linked: people who linked their accounts are mentioned on the other side, too (default)'),
  reactions: z
    .enum(['off', 'line', 'native', 'tally'])
    .optional()
    .describe(
      'native: the bots react for people elsewhere, and what they cannot show is counted below the copy (default); ' +
        'tally: all of them are counted there; line: reactions as lines of text',
    ),
  threads: z
    .enum(['flatten', 'auto'])
    .optional()
    .describe(
      'auto: a thread, forum post or topic of one member gets a counterpart at the others; flatten: read with its channel (default)',
    ),
  deletedTopics: z
    .enum(['wait', 'general'])
    .optional()
    .describe(
      'general: what is said to a Telegram topic that was deleted and cannot be made again goes to the general topic, with its name in front; ' +
        'wait: its lane waits and says why (default)',
    ),
  copyDeletes: z
    .enum(['moderators', 'mirror', 'local'])
    .optional()
    .describe('what deleting one copy does: take the others along if a moderator did it, always, or never'),
  p2pEdits: z.enum(['resend', 'ignore']).default('resend').describe('K2 has no edits: send the new text, or nothing'),
  allowChain: z.boolean().default(false).describe('allow routes that forward what another route forwarded'),
  files: routeFilesSchema.optional().describe('attachments as K2 tickets, and which files people may fetch here'),
})

const endpointText = z.string().min(1).max(2000)

const contact = z.strictObject({
  name: z.string().min(1).max(64),
  id: z.string().regex(/^[0-9a-fA-F]{64}$/, 'a node id is 64 hexadecimal characters'),
  addresses: z.array(endpointText).default([]).describe('ip:port texts and the URL of its relay, if known'),
})

/** Every option with its default. Unknown keys are errors. */
export const configSchema = z
  .strictObject({
    dataDir: z
      .string()
      .min(1)
      .describe('where the gateway keeps its keys and data; default: K2_DATA_DIR or the user data folder'),
    instance: name('the instance name').default('gateway').describe('shown to peers and in logs'),
    log: z
      .strictObject({
        level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
        pretty: z
          .enum(['auto', 'always', 'never'])
          .default('auto')
          .describe('auto: readable on a terminal, JSON lines elsewhere'),
        bodies: z.boolean().default(false).describe('write message texts into debug lines'),
      })
      .prefault({}),
    http: httpSchema,
    database: z
      .discriminatedUnion('driver', [
        z.strictObject({
          driver: z.literal('embedded'),
          synchronousCommit: z.boolean().default(true).describe('false: faster, a crash may lose the last moments'),
        }),
        z.strictObject({
          driver: z.literal('postgres'),
          url: secret().describe('postgres://user:password@host:port/database'),
          poolSize: z.int().min(2).max(100).default(10),
          synchronousCommit: z.boolean().default(true),
        }),
      ])
      .prefault({ driver: 'embedded' }),
    queue: z
      .discriminatedUnion('driver', [
        z.strictObject({ driver: z.literal('database') }),
        z.strictObject({
          driver: z.literal('redis'),
          url: secret().describe('redis://host:port'),
          allowEviction: z.boolean().default(false).describe('start although the server may evict keys'),
        }),
      ])
      .prefault({ driver: 'database' }),
    node: z
      .strictObject({
        mode: z
          .enum(['n0', 'lan', 'loopback'])
          .default('n0')
          .describe('n0: relays and lookup of n0; lan: direct addresses only; loopback: this machine only'),
        relays: z
          .array(endpointText)
          .max(16)
          .default([])
          .describe('URLs of relay servers of your own, in mode n0 instead of those of n0, in mode lan beside direct addresses'),
        identities: z
          .enum(['single', 'hosted'])
          .default('single')
          .describe('single: people speak and offer on K2 under the id of this node; hosted: each under an id of their own'),
        bind: z.string().optional().describe('ip:port; default: any port'),
        topics: z.array(z.string().min(1).max(200)).max(200).default(['Digital Assets', 'Goods', 'Freelance Job']),
        peers: z.array(endpointText).max(1000).default([]).describe('endpoint tickets, node ids, or node-id@ip:port'),
        contacts: z.array(contact).max(1000).default([]),
        maxConnections: z.int().min(8).max(10_000).default(200),
        peerPatience: duration()
          .refine((ms) => ms <= 600_000, 'at most 10m')
          .prefault('60s')
          .describe('a configured peer that is down misses nothing for this long: what follows on its topics waits for it'),
      })
      .prefault({}),
    accounts: z
      .strictObject({
        discord: z
          .record(
            name('an account name'),
            z.strictObject({
              token: secret(),
              apiUrl: z.url().optional().describe('another API root, for tests'),
              webhooks: z.boolean().default(true).describe('show authors through managed webhooks where permitted'),
              commands: z.boolean().default(true).describe('register the slash commands /k2 and /k2-admin'),
              catchUp: z
                .strictObject({
                  maxMessages: z.int().min(0).max(10_000).optional().describe('per channel; default 500'),
                  maxAge: duration().optional().describe('older messages are not carried over; default 24h'),
                  recheck: z.int().min(0).max(100).optional().describe('latest messages looked at for missed edits; default 50'),
                })
                .optional()
                .describe('what is carried over of a time without connection'),
            }),
          )
          .default({}),
        telegram: z
          .record(
            name('an account name'),
            z.strictObject({
              token: secret(),
              apiUrl: z.url().optional().describe('another API root: tests, or a self-hosted Bot API server'),
              limits: z.enum(['default', 'off']).default('default').describe('off: for a server of your own without limits'),
              ambiguous: z.enum(['resend', 'drop']).default('resend').describe('when an answer was lost: send again, or not'),
              coalesce: z
                .boolean()
                .default(true)
                .describe('send texts that wait longer than 10 s for a group as one message, a line each'),
              commands: z.boolean().default(true).describe('answer /k2_ commands and show them in the menu'),
              webhook: z
                .strictObject({
                  url: z
                    .url({ protocol: /^https?$/ })
                    .describe('where the platform reaches this gateway: https, port 443, 80, 88 or 8443'),
                  secret: secret().optional().describe('sent along by the platform; default: made from the key of the node'),
                  maxConnections: z.int().min(10).max(100).default(40).describe('updates sent at once'),
                })
                .optional()
                .describe('updates by webhook at <url>/telegram/<account>; default: they are polled'),
            }),
          )
          .default({}),
      })
      .prefault({}),
    access: accessSchema.prefault({}).describe('rights of people who give commands'),
    web: z
      .strictObject({
        enabled: z.boolean().default(true),
        history: z.int().min(0).max(5000).default(200).describe('messages kept per room'),
        rooms: z.array(z.string().min(1).max(64)).max(200).default([]).describe('rooms beyond those named in routes'),
      })
      .prefault({}),
    routes: z
      .array(routeSchema)
      .max(1000)
      .optional()
      .describe('default: each topic of the node joined with a web room of the same name'),
    rules: z.array(ruleSchema).max(1000).default([]),
    blobs: blobsSchema.prefault({}).describe('files: fetched, shared and served'),
    discovery: discoverySchema,
    sync: syncSchema.prefault({}).describe('folders kept equal with other nodes'),
    market: marketSchema.prefault({}),
    direct: directSchema.prefault({}).describe('direct messages: talks with K2 contacts, and the staff’s inbox'),
    moderation: moderationSchema.prefault({}).describe('what waits for moderators, and where they see it'),
    media: mediaSchema.prefault({}).describe('files of messages: photos, documents and the like'),
    docs: docsSchema.prefault({}).describe('documents shared with other nodes: contact book, profile, folders'),
    limits: z
      .strictObject({
        deliveries: z.int().min(1).max(256).default(32).describe('lanes that send at once'),
        retention: duration().prefault('90d').describe('how long copies stay linked for edits and replies'),
        authorRate: authorRateSchema
          .prefault({})
          .describe('how fast one person may write on one route before others go first, or off'),
      })
      .prefault({}),
    shutdownTimeout: duration().prefault('10s'),
  })
  .superRefine((config, ctx) => {
    const ids = new Set<string>()
    for (const [i, r] of (config.routes ?? []).entries()) {
      if (ids.has(r.id))
        ctx.addIssue({ code: 'custom', path: ['routes', i, 'id'], message: `another route is already called ${r.id}` })
      ids.add(r.id)
      const seen = new Set<string>()
      for (const [j, m] of r.members.entries()) {
        const path = ['routes', i, 'members', j, 'place']
        const key = placeKey(m.place)
        if (seen.has(key)) ctx.addIssue({ code: 'custom', path, message: 'this place is already a member of the route' })
        seen.add(key)
        const { network, account } = m.place
        if ((network === 'discord' || network === 'telegram') && config.accounts[network][account] === undefined) {
          ctx.addIssue({
            code: 'custom',
            path,
            message: `there is no account ${network}.${account}: add it under accounts.${network}`,
          })
        }
        if (network === 'web' && !config.web.enabled)
          ctx.addIssue({ code: 'custom', path, message: 'the web chat is switched off (web.enabled)' })
      }
    }
    const inbox = inboxProblem(config.direct, config.accounts)
    if (inbox !== undefined) ctx.addIssue({ code: 'custom', path: ['direct', 'inbox'], message: inbox })
    const channel = moderationProblem(config.moderation, config.accounts)
    if (channel !== undefined) ctx.addIssue({ code: 'custom', path: ['moderation', 'channel'], message: channel })
    if (config.blobs.worker === 'separate' && config.database.driver === 'embedded') {
      ctx.addIssue({
        code: 'custom',
        path: ['blobs', 'worker'],
        message: 'separate workers need a database they can reach: set database.driver to postgres',
      })
    }
    for (const [i, r] of config.rules.entries()) {
      for (const [j, id] of (r.routes ?? []).entries()) {
        if (!ids.has(id))
          ctx.addIssue({ code: 'custom', path: ['rules', i, 'routes', j], message: `there is no route called ${id}` })
      }
    }
  })

export type Config = z.output<typeof configSchema>
export type RouteConfig = NonNullable<Config['routes']>[number]

/** JSON Schema of the file for editors (`config/k2gw.schema.json`). */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, { io: 'input' }) as Record<string, unknown>
  // The data directory has a default that depends on the machine, so the file need not name it.
  const required = (schema.required as string[] | undefined)?.filter((key) => key !== 'dataDir')
  return { $id: 'k2gw.schema.json', title: 'K2 gateway configuration', ...schema, ...(required && { required }) }
}

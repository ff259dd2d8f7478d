import { z } from 'zod'
import { K2Error } from '../../base/errors.ts'
import { language } from '../../rules/index.ts'
import { type CommandDefinition, defineCommand } from '../commands/definition.ts'
import { answer, bold, code, line, lines } from '../commands/notices.ts'
import { parseDuration } from '../config/units.ts'
import type { RuleService } from '../rules/service.ts'
import type { Desk } from './desk.ts'
import { formatPlace } from './places.ts'
import { MODES } from './profiles.ts'

const SHOWN = 15

/** What a rule lacked, in a line. */
const lackOf = (t: language.RuleTrace): string =>
  `${t.first_false ?? t.leaf ?? ''}: ${t.actual ?? t.why ?? t.result}${t.wanted === undefined ? '' : `, wanted ${t.wanted}`}`.slice(
    0,
    200,
  )

/** What administrators do with rules and channels (rules 9.5, 11.6, 11.7). */
export function ruleCommands(desk: Desk, rules: RuleService): CommandDefinition[] {
  const { market } = desk
  const problems = (): string[] => rules.problems.slice(0, SHOWN).map(language.problemLine)
  return [
    defineCommand({
      path: ['rules', 'list'],
      http: { method: 'GET', path: '/rules' },
      summary: 'the running rules and what is wrong with their files',
      role: 'admin',
      arguments: z.object({}),
      argumentHelp: {},
      run: async () => {
        const set = rules.current
        const list = (set?.rules ?? []).map((r) => ({ id: r.id, mode: r.mode, priority: r.priority, file: r.file }))
        return answer(
          lines(
            line(bold(set === null ? 'No rules run' : `Version ${set.version.slice(7, 19)}`), `, from ${rules.path}`),
            ...list.slice(0, SHOWN).map((r) => line('• ', code(r.id), ` ${r.mode}`)),
            ...problems(),
          ),
          { version: set?.version ?? null, path: rules.path, rules: list, problems: rules.problems },
        )
      },
    }),
    defineCommand({
      path: ['rules', 'reload'],
      http: { method: 'POST', path: '/rules/reload' },
      summary: 'load the rule files again',
      role: 'admin',
      arguments: z.object({}),
      argumentHelp: {},
      run: async (context) => {
        const result = await rules.reload(context.actor.key)
        const refused = result.problems.some((p) => p.severity === 'error')
        const word = refused ? 'Refused: the old rules go on.' : result.swapped ? 'Loaded.' : 'Nothing has changed.'
        return answer(lines(bold(word), ...problems()), { swapped: result.swapped, problems: result.problems })
      },
    }),
    defineCommand({
      path: ['rules', 'history'],
      menu: false,
      http: { method: 'GET', path: '/rules/versions' },
      summary: 'versions of the rules, newest first',
      role: 'admin',
      arguments: z.object({}),
      argumentHelp: {},
      run: async () => {
        const versions = [...rules.versions].reverse().map(({ files, ...v }) => ({ ...v, files: files.map((f) => f.path) }))
        const rows = versions.slice(0, SHOWN).map((v) => {
          const { added, removed, changed } = v.difference
          return line(
            code(v.version.slice(7, 19)),
            ` ${new Date(v.loaded_at).toISOString()} by ${v.author} (+${added.length} −${removed.length} ~${changed.length})`,
          )
        })
        return answer(rows.length === 0 ? 'There are none yet.' : lines(...rows), versions)
      },
    }),
    defineCommand({
      path: ['rules', 'rollback'],
      menu: false,
      http: { method: 'POST', path: '/rules/rollback' },
      summary: 'run an earlier version until the files change again',
      role: 'admin',
      confirm: ({ version }) => `The rules go back to version ${version}.`,
      arguments: z.object({ version: z.string().regex(/^(?:sha256:)?[0-9a-f]{4,64}$/, 'a version as rules history shows it') }),
      argumentHelp: { version: { summary: 'as rules history shows it' } },
      run: async (context, { version }) => {
        const result = await rules.rollback(version, context.actor.key)
        return answer(result.swapped ? `Version ${version} runs.` : 'That version runs already.', { swapped: result.swapped })
      },
    }),
    defineCommand({
      path: ['rules', 'mute'],
      http: { method: 'POST', path: '/rules/:rule/mute' },
      summary: 'switch one rule off for a while',
      role: 'admin',
      arguments: z.object({ rule: z.string().min(1).max(63), for: z.string().max(10).default('1h') }),
      argumentHelp: {
        rule: {
          summary: 'id of the rule',
          suggest: async (_c, typed) =>
            (rules.current?.rules ?? [])
              .filter((r) => r.id.includes(typed))
              .slice(0, 25)
              .map((r) => ({ name: r.id, value: r.id })),
        },
        for: { summary: 'such as 30m, 1h or 2d' },
      },
      run: async (_context, args) => {
        const ms = parseDuration(args.for)
        if (ms === undefined || !rules.current?.rules.some((r) => r.id === args.rule))
          throw new K2Error({ code: 'RULES_UNKNOWN', kind: 'input', message: 'name a rule that runs, and a time such as 1h' })
        await market.act((step) => {
          const change = language.muteRule(args.rule, step.now + ms)
          step.parts.memory.remember([change])
          step.changes.ruleState.push(change)
        })
        return answer(`“${args.rule}” is silent for ${args.for}.`, { rule: args.rule, ms })
      },
    }),
    defineCommand({
      path: ['rules', 'fires'],
      http: { method: 'GET', path: '/rules/:rule/fires' },
      summary: 'when a rule fired lately and when it nearly did, and for which messages',
      role: 'admin',
      arguments: z.object({ rule: z.string().min(1).max(63), limit: z.int().min(1).max(200).default(SHOWN) }),
      argumentHelp: { rule: { summary: 'id of the rule' }, limit: { summary: 'how many at most' } },
      run: async (_context, { rule, limit }) => {
        const found = await market.store.fires(rule, limit)
        const near = await market.store.nearMisses(rule, limit)
        const rows = found.slice(0, SHOWN).map((f) => line(code(f.message), ` ${new Date(f.at).toISOString()}`))
        const missed = near
          .slice(0, SHOWN)
          .map((n) => line('nearly: ', code(n.message), ` ${new Date(n.at).toISOString()} `, code(lackOf(n.lacked))))
        return answer(rows.length + missed.length === 0 ? 'Not in the last week.' : lines(...rows, ...missed), {
          fires: found,
          near,
        })
      },
    }),
    defineCommand({
      path: ['rules', 'why'],
      http: { method: 'GET', path: '/rules/traces/:message' },
      summary: 'how a message was read, and which rules fired or were held back',
      role: 'admin',
      arguments: z.object({ message: z.string().min(3).max(200) }),
      argumentHelp: { message: { summary: 'such as telegram:-100123:45', rest: true } },
      run: async (_context, { message }) => {
        const trace = await market.store.traceOf(message)
        if (trace === undefined)
          throw new K2Error({
            code: 'RULES_NO_TRACE',
            kind: 'input',
            message: 'nothing was noted of this message: see k2gw rules explain',
          })
        return answer(JSON.stringify(trace, null, 1).slice(0, 1500), trace)
      },
    }),
    defineCommand({
      path: ['market', 'mode'],
      http: { method: 'PUT', path: '/market/mode' },
      summary: 'what the market does in this channel: off, observe, assist or auto',
      role: 'admin',
      notOn: ['cli', 'http'],
      arguments: z.object({ mode: z.enum(MODES).optional() }),
      argumentHelp: { mode: { summary: 'observe: only read; assist: ask authors; auto: also publish for those who agreed' } },
      run: async (context, { mode }) => {
        const { place } = desk.originOf(context)
        if (mode !== undefined) {
          await market.store.setProfile(market.parts.profiles.keyOf(place), mode, context.actor.key, market.parts.clock.now())
          market.parts.profiles.set(place, mode)
          await market.tellOthers('profile', market.parts.profiles.keyOf(place))
        }
        const now = market.parts.profiles.of(place).mode
        return answer(lines(bold(`Here: ${now}`), formatPlace(place)), { place: formatPlace(place), mode: now })
      },
    }),
  ]
}

import { beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ManualClock } from '../../../src/base/clock.ts'
import { K2Error } from '../../../src/base/errors.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { seededRng } from '../../../src/base/random.ts'
import type { Form, Interaction, InteractionInput, Notice } from '../../../src/bridges/interaction.ts'
import type { Place } from '../../../src/bridges/model/place.ts'
import { Access, type AccessSettings, type AccessStore, type Grant } from '../../../src/gateway/commands/access.ts'
import { createActionIds } from '../../../src/gateway/commands/action-ids.ts'
import type { AuditEntry } from '../../../src/gateway/commands/audit.ts'
import { type ActionDefinition, type CommandDefinition, defineCommand } from '../../../src/gateway/commands/definition.ts'
import { answer } from '../../../src/gateway/commands/notices.ts'
import { CommandRegistry } from '../../../src/gateway/commands/registry.ts'
import { CommandService } from '../../../src/gateway/commands/service.ts'

const PLACE: Place = { network: 'discord', account: 'main', space: '1', channel: '2' }

class MemoryAccess implements AccessStore {
  readonly links = new Map<string, string>()
  readonly list: Grant[] = []
  async personOf(account: string) {
    return this.links.get(account) ?? account
  }
  async accountsOf(person: string) {
    const found = [...this.links].filter(([, p]) => p === person).map(([a]) => a)
    return found.length > 0 ? found : [person]
  }
  async link(account: string, other: string) {
    for (const a of [account, other]) this.links.set(a, account)
    return account
  }
  async unlink(account: string) {
    return this.links.delete(account)
  }
  async grants() {
    return this.list
  }
  async granted(accounts: readonly string[]) {
    return this.list
      .filter((g) => accounts.includes(g.account))
      .map((g) => g.role)
      .sort()[0]
  }
  async grant(grant: Grant) {
    this.list.push(grant)
  }
  async revoke() {
    return false
  }
}

interface Said {
  readonly how: 'reply' | 'update' | 'form' | 'suggest'
  readonly text: string
  readonly private?: boolean | undefined
  readonly notice?: Notice
  readonly form?: Form
}

let said: Said[]
let audit: AuditEntry[]
let clock: ManualClock
let access: MemoryAccess
let service: CommandService
const ids = createActionIds(new Uint8Array(32))
let serial = 0

function make(
  definitions: readonly CommandDefinition[],
  actions: readonly ActionDefinition[] = [],
  settings: Partial<AccessSettings> = {},
): void {
  const handled = new Set<string>()
  service = new CommandService({
    registry: new CommandRegistry(definitions, actions),
    access: new Access(
      access,
      () => ({ admins: [], moderators: [], platformAdmins: true, traders: 'everyone', ...settings }),
      (p) => p.space === '1',
    ),
    store: {
      claim: async (id) => !handled.has(id) && Boolean(handled.add(id)),
      audit: async (entry) => void audit.push(entry),
      recent: async () => audit,
      prune: async () => {},
    },
    ids,
    clock,
    rng: seededRng(1),
    log: nullLogger,
  })
}

async function ask(input: InteractionInput, more: Partial<Interaction> = {}): Promise<Said[]> {
  const before = said.length
  const note = (how: Said['how'], notice: Notice, isPrivate?: boolean): void => {
    said.push({ how, text: [notice.title ?? '', notice.rich.text].join('\n').trim(), private: isPrivate, notice })
  }
  await service.handle({
    id: `i${serial++}`,
    network: 'discord',
    account: 'main',
    at: PLACE,
    actor: { key: 'discord:7', displayName: 'Ann', isBot: false, kind: 'user' },
    platformAdmin: false,
    direct: false,
    input,
    answer: {
      reply: async (notice, options) => note('reply', notice, options?.private),
      update: async (notice) => note('update', notice),
      form: async (form) => void said.push({ how: 'form', text: form.title, form }),
      suggest: async (values) => void said.push({ how: 'suggest', text: values.map((v) => v.value).join(',') }),
    },
    ...more,
  })
  return said.slice(before)
}

const command = (path: readonly string[], args: Record<string, string | number> = {}): InteractionInput => ({
  kind: 'command',
  path,
  args,
})
const idOf = (last: Said | undefined, label: string): string => {
  const action = last?.notice?.actions?.flat().find((a) => a.label === label)
  return action && 'id' in action ? action.id : ''
}
const press = (id: string): InteractionInput => ({
  kind: 'action',
  id,
  message: { network: 'discord', account: 'main', channel: '2', id: '9' },
})

const simple = (path: readonly [string] | readonly [string, string], more: object = {}): CommandDefinition =>
  defineCommand({
    path,
    http: { method: 'GET', path: `/${path.join('/')}` },
    summary: `does ${path.join(' ')}`,
    role: 'everyone',
    arguments: z.object({}),
    argumentHelp: {},
    run: async () => answer('done', {}),
    ...more,
  })

beforeEach(() => {
  said = []
  audit = []
  clock = new ManualClock()
  access = new MemoryAccess()
})

describe('rights', () => {
  it('of administrators come from the configuration, roles, bridged places and grants', async () => {
    make([simple(['stop'], { role: 'admin' })], [], { admins: ['discord:1', 'discord-role:55'] })
    const who = (key: string, roles: string[] = []) => ({
      actor: { key, displayName: 'X', isBot: false, kind: 'user' as const, roles },
    })
    expect((await ask(command(['stop'])))[0]?.text).toContain('Only administrators')
    expect((await ask(command(['stop']), who('discord:1')))[0]?.text).toBe('done')
    expect((await ask(command(['stop']), who('discord:2', ['55'])))[0]?.text).toBe('done')
    expect((await ask(command(['stop']), { platformAdmin: true }))[0]?.text).toBe('done')
    expect((await ask(command(['stop']), { platformAdmin: true, at: { ...PLACE, space: '99' } }))[0]?.text).toContain(
      'Only administrators',
    )
    await access.grant({ account: 'telegram:5', role: 'admin', by: 'x', at: 0 })
    await access.link('telegram:5', 'discord:8')
    expect((await ask(command(['stop']), who('discord:8')))[0]?.text).toBe('done')
    expect(audit.filter((e) => e.outcome === 'refused').map((e) => e.code)).toEqual(['COMMAND_DENIED', 'COMMAND_DENIED'])
    expect(audit.at(-1)).toMatchObject({
      actorKey: 'telegram:5',
      role: 'admin',
      command: 'stop',
      outcome: 'done',
      surface: 'discord',
    })
  })

  it('of traders are everybody’s, or of linked people alone', async () => {
    make([simple(['sell'], { role: 'trader' })], [], { traders: 'linked' })
    expect((await ask(command(['sell'])))[0]?.text).toContain('Only traders')
    await access.link('discord:7', 'web:1')
    expect((await ask(command(['sell'])))[0]?.text).toBe('done')
    make([simple(['sell'], { role: 'trader' })])
    expect((await ask(command(['sell'])))[0]?.text).toBe('done')
  })
})

describe('what people see of trouble', () => {
  it('is a sentence; never the inside of a fault', async () => {
    const failing = (error: unknown) => async () => {
      throw error
    }
    const secret = '123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw'
    make([
      simple(['a'], { run: failing(new TypeError('cannot read x of undefined')) }),
      simple(['b'], { run: failing(new K2Error({ code: 'X_Y', kind: 'input', message: `not with ${secret}` })) }),
      simple(['c'], { arguments: z.object({ n: z.int().max(5) }), argumentHelp: { n: { summary: 'a number' } } }),
    ])
    expect((await ask(command(['a'])))[0]?.text).toContain('a fault in the gateway')
    expect((await ask(command(['b'])))[0]?.text).toBe('⚠️ Not with [redacted].')
    expect((await ask(command(['c'], { n: 'x' })))[0]?.text).toBe('⚠️ N: "x" is not a number.\nUsage: /k2 c <n>')
    expect((await ask(command(['c'], { n: 9 })))[0]?.text).toContain('Usage')
    expect((await ask(command(['nope'])))[0]).toMatchObject({ private: true, text: expect.stringContaining('/k2 help') })
    expect(audit.map((e) => e.code)).toEqual(['BUG', 'X_Y', 'COMMAND_BAD_ARGUMENT', 'COMMAND_BAD_ARGUMENT'])
  })

  it('ends what takes too long, and tells it to stop', async () => {
    let stopped = false
    const run = (context: { signal: AbortSignal }) =>
      new Promise(() => {
        context.signal.addEventListener('abort', () => {
          stopped = true
        })
      })
    make([simple(['slow'], { run, timeoutMs: 5_000 })])
    const asked = ask(command(['slow']))
    for (let i = 0; i < 20; i++) await Promise.resolve()
    clock.advance(5_000)
    expect((await asked)[0]?.text).toContain('took longer than 5000 ms')
    expect(stopped).toBe(true)
  })

  it('slows down those who ask too much, each alone', async () => {
    make([simple(['a'])])
    for (let i = 0; i < 10; i++) expect((await ask(command(['a'])))[0]?.text).toBe('done')
    expect((await ask(command(['a'])))[0]?.text).toBe('⚠️ Slow down a little: try again in 2 s.')
    const other = { actor: { key: 'discord:8', displayName: 'Bo', isBot: false, kind: 'user' as const } }
    expect((await ask(command(['a']), other))[0]?.text).toBe('done')
    clock.advance(2_000)
    expect((await ask(command(['a'])))[0]?.text).toBe('done')
  })
})

describe('interactions', () => {
  it('are handled once, and not for programs', async () => {
    make([simple(['a'])])
    expect(await ask(command(['a']), { id: 'same' })).toHaveLength(1)
    expect(await ask(command(['a']), { id: 'same' })).toHaveLength(0)
    expect(await ask(command(['a']), { actor: { key: 'discord:9', displayName: 'B', isBot: true, kind: 'bot' } })).toHaveLength(0)
  })

  it('keep what people write out of the audit log, but its length', async () => {
    make([
      simple(['dm'], {
        arguments: z.object({ to: z.string(), text: z.string() }),
        argumentHelp: { to: { summary: 'whom' }, text: { summary: 'what', rest: true } },
      }),
    ])
    await ask(command(['dm'], { to: 'anna', text: 'a secret' }))
    expect(audit[0]?.args).toEqual({ to: 'anna', text: '8 characters' })
  })

  it('ask before what cannot be undone; only the asked person answers, once', async () => {
    let runs = 0
    make([simple(['wipe'], { confirm: () => 'All is lost.', run: async () => answer(`gone ${++runs}`, {}) })])
    const [asked] = await ask(command(['wipe']))
    expect(asked?.text).toContain('All is lost.')
    const other = { actor: { key: 'discord:8', displayName: 'Bo', isBot: false, kind: 'user' as const } }
    expect((await ask(press(idOf(asked, 'Yes, do it')), other))[0]?.text).toContain('Only the person who was asked')
    expect((await ask(press(idOf(asked, 'Yes, do it'))))[0]).toMatchObject({ how: 'update', text: 'gone 1' })
    expect((await ask(press(idOf(asked, 'Yes, do it'))))[0]?.text).toContain('no longer valid')
    const [again] = await ask(command(['wipe']))
    expect((await ask(press(idOf(again, 'Cancel'))))[0]?.text).toContain('Nothing was done')
    const [late] = await ask(command(['wipe']))
    clock.advance(16 * 60_000)
    expect((await ask(press(idOf(late, 'Yes, do it'))))[0]?.text).toContain('no longer valid')
    expect(runs).toBe(1)
  })

  it('ask with forms, and let people correct them', async () => {
    const form = { title: 'Sell', fields: [{ name: 'price', label: 'Price', required: true }] }
    const submit = async (_c: unknown, values: Readonly<Record<string, string>>) => {
      if (values.price !== '5') throw new K2Error({ code: 'NO_PRICE', kind: 'input', message: 'that is no price' })
      return answer('published', {})
    }
    make([simple(['sell'], { run: async () => ({ kind: 'form', form, submit }) })])
    const [opened] = await ask(command(['sell']))
    const id = opened?.form?.id ?? ''
    expect(id.length).toBeLessThanOrEqual(64)
    const [wrong] = await ask({ kind: 'form', id, values: { price: 'much', other: 'x' } })
    expect(wrong?.text).toBe('⚠️ That is no price.')
    const [again] = await ask(press(idOf(wrong, 'Correct and try again')))
    expect(again?.form?.fields[0]).toMatchObject({ value: 'much' })
    expect((await ask({ kind: 'form', id: again?.form?.id ?? '', values: { price: '5' } }))[0]?.text).toBe('published')
    expect((await ask({ kind: 'form', id: `${id.slice(0, -1)}!`, values: { price: '5' } }))[0]?.text).toContain('no longer valid')
  })

  it('press buttons of capabilities with their argument, and no others', async () => {
    const seen: string[] = []
    const take: ActionDefinition = {
      name: 'take',
      role: 'everyone',
      run: async (_context, argument) => {
        seen.push(argument)
        return answer('taken', {}, { replace: argument === '2' })
      },
    }
    make([], [take])
    expect((await ask(press(ids.id('take', '1'))))[0]).toMatchObject({ how: 'reply', private: true })
    expect((await ask(press(ids.id('take', '2'))))[0]).toMatchObject({ how: 'update' })
    const forged = createActionIds(new Uint8Array(32).fill(1)).id('take', '3')
    expect((await ask(press(forged)))[0]?.text).toContain('no longer valid')
    expect(seen).toEqual(['1', '2'])
  })

  it('show progress, then the end, in one message', async () => {
    make([
      simple(['get'], {
        private: false,
        run: async (context: { progress(n: Notice): Promise<void> }) => {
          for (const p of ['10 %', '20 %']) await context.progress({ rich: { text: p, spans: [] } })
          clock.advance(2_000)
          await context.progress({ rich: { text: '30 %', spans: [] } })
          return answer('all', {})
        },
      }),
    ])
    expect((await ask(command(['get']))).map((s) => [s.how, s.text, s.private])).toEqual([
      ['reply', '10 %', false],
      ['update', '30 %', undefined],
      ['update', 'all', undefined],
    ])
  })

  it('suggest while people type, as far as they may', async () => {
    const suggest = async () => Array.from({ length: 40 }, (_, i) => ({ name: `${i}`, value: `${i}` }))
    const args = { arguments: z.object({ id: z.string() }), argumentHelp: { id: { summary: 'which', suggest } } }
    make([simple(['get'], args), simple(['kill'], { ...args, role: 'admin' })])
    const typing = (path: string): InteractionInput => ({ kind: 'suggest', path: [path], argument: 'id', typed: '' })
    expect((await ask(typing('get')))[0]?.text.split(',')).toHaveLength(25)
    expect((await ask(typing('kill')))[0]?.text).toBe('')
    expect((await ask(typing('none')))[0]?.text).toBe('')
  })
})

describe('the registry', () => {
  it('refuses what clashes or cannot be shown', () => {
    const twice = () => new CommandRegistry([simple(['a', 'b']), simple(['a', 'b'])])
    expect(twice).toThrow('taken twice')
    expect(() => new CommandRegistry([simple(['a']), simple(['a', 'b'])])).toThrow('both a command and a group')
    expect(() => new CommandRegistry([simple(['Bad'])])).toThrow('no command name')
    const nested = { arguments: z.object({ x: z.object({}) }), argumentHelp: { x: { summary: 'x' } } }
    expect(() => new CommandRegistry([simple(['a'], nested)]).specsFor('discord')).toThrow('cannot be shown')
  })
})

describe('ids of buttons', () => {
  it('fit into 64 bytes and cannot be changed', () => {
    const id = ids.id('abcdefghijkl', 'x'.repeat(40))
    expect(id.length).toBeLessThanOrEqual(64)
    expect(ids.read(id)).toEqual({ name: 'abcdefghijkl', argument: 'x'.repeat(40) })
    for (let i = 0; i < id.length; i++) expect(ids.read(`${id.slice(0, i)}~${id.slice(i + 1)}`)).toBeUndefined()
    expect(() => ids.id('Too Long', '')).toThrow()
    expect(ids.read('')).toBeUndefined()
  })
})

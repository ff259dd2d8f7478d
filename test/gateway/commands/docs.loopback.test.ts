import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { applicationCommands } from '../../../src/bridges/discord/commands.ts'
import { menuOf } from '../../../src/bridges/telegram/command-text.ts'
import { commandsPage } from '../../../src/gateway/commands/describe.ts'
import { CommandList } from '../../fakes/discord/command-form.ts'
import { startTestGateway, type TestGateway } from './support.ts'

let t: TestGateway
beforeAll(async () => {
  t = await startTestGateway()
})
afterAll(() => t.stop())

const Schema = z.looseObject({})
const Content = z.strictObject({ 'application/json': z.strictObject({ schema: Schema }) })
const Reference = z.strictObject({ $ref: z.string().startsWith('#/components/') })
const Response = z.union([Reference, z.strictObject({ description: z.string().min(1), content: Content.optional() })])
const Parameter = z
  .strictObject({ name: z.string().min(1), in: z.enum(['path', 'query']), required: z.boolean(), schema: Schema })
  .refine((p) => p.in !== 'path' || p.required, 'path parameters are required')
const Operation = z.strictObject({
  operationId: z.string().min(1),
  tags: z.array(z.string()),
  summary: z.string().min(1),
  description: z.string().optional(),
  parameters: z.array(Parameter).optional(),
  requestBody: z.strictObject({ required: z.boolean(), content: Content }).optional(),
  responses: z.record(z.string().regex(/^([1-5]\d\d|default)$/), Response),
})
const PathItem = z.strictObject({
  get: Operation.optional(),
  post: Operation.optional(),
  put: Operation.optional(),
  patch: Operation.optional(),
  delete: Operation.optional(),
})
/** The parts of OpenAPI 3.1 the document may use. */
const OpenApi = z.strictObject({
  openapi: z.literal('3.1.0'),
  info: z.strictObject({ title: z.string(), version: z.string(), description: z.string() }),
  servers: z.array(z.strictObject({ url: z.string() })),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  tags: z.array(z.strictObject({ name: z.string() })),
  paths: z.record(z.string().startsWith('/'), PathItem),
  components: z.strictObject({
    securitySchemes: z.record(z.string(), z.looseObject({ type: z.string() })),
    schemas: z.record(z.string(), Schema),
    responses: z.record(z.string(), Response),
  }),
})

describe('descriptions of the commands', () => {
  it('on the page are the definitions of this version (npm run docs:commands)', async () => {
    const page = await readFile(new URL('../../../docs/commands.md', import.meta.url), 'utf8')
    expect(commandsPage(t.gateway.commands.commands)).toBe(page)
  })

  it('in OpenAPI are valid, complete, and match the paths', async () => {
    const { status, body } = await t.api('GET', '/openapi.json')
    expect(status).toBe(200)
    const document = OpenApi.parse(body)
    const operations = Object.entries(document.paths).flatMap(([path, item]) => Object.values(item).map((o) => ({ path, ...o })))
    expect(new Set(operations.map((o) => o.operationId)).size).toBe(operations.length)
    // Every command and the form.
    expect(operations.length).toBe(t.gateway.commands.on('http').length + 1)
    for (const { path, parameters = [] } of operations) {
      const named = [...path.matchAll(/\{([^}]+)\}/g)].map((m) => m[1])
      expect(parameters.filter((p) => p.in === 'path').map((p) => p.name)).toEqual(named)
    }
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)]
    for (const [, kind, name] of refs) {
      expect(Object.keys(document.components[kind as 'schemas'])).toContain(name)
    }
  })

  it('fit into what Discord and Telegram take', () => {
    const { commands } = t.gateway
    const roots = applicationCommands(commands.specsFor('discord'))
    expect(CommandList.safeParse(roots).error?.issues).toBeUndefined()
    const listed = commands.on('telegram').filter((c) => c.definition.menu !== false)
    expect(menuOf(commands.specsFor('telegram'), true).length).toBe(listed.length)
  })

  it('tell the command line what it needs', async () => {
    const { body } = await t.api('GET', '/commands')
    expect((body as unknown[]).length).toBe(t.gateway.commands.on('cli').length)
  })
})

import { z } from 'zod'
import { argumentsJsonSchema } from '../../commands/arguments.ts'
import type { RegisteredCommand } from '../../commands/registry.ts'
import { VERSION } from '../../version.ts'

type Json = Readonly<Record<string, unknown>>

const ERROR = { $ref: '#/components/responses/Error' }

/** OpenAPI 3.1 description of every command offered over HTTP, from the very schemas that check their arguments. */
export function openApiDocument(commands: readonly RegisteredCommand[]): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const command of commands) {
    const { method, path } = command.definition.http
    const shown = path.replace(/:([^/]+)/g, '{$1}')
    paths[shown] = { ...paths[shown], [method.toLowerCase()]: operation(command) }
  }
  paths['/forms/{id}'] = { post: FORM_OPERATION }
  return {
    openapi: '3.1.0',
    info: {
      title: 'K2 gateway',
      version: VERSION,
      description: 'Every command of the gateway. All calls need the admin token as a bearer token.',
    },
    servers: [{ url: '/api/v1' }],
    security: [{ token: [] }],
    tags: [...new Set(commands.map(tagOf))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: ERROR_SCHEMA, Form: FORM_SCHEMA },
      responses: { Error: { description: 'What went wrong', content: json({ $ref: '#/components/schemas/Error' }) } },
    },
  }
}

const tagOf = ({ definition: { path } }: RegisteredCommand): string => (path.length === 2 ? path[0] : 'general')

function operation(command: RegisteredCommand): Json {
  const { definition } = command
  const { method, path } = definition.http
  const { properties, required = [] } = argumentsJsonSchema(definition)
  const inPath = [...path.matchAll(/:([^/]+)/g)].map((m) => m[1] as string)
  // Files cannot be handed over here.
  const rest = command.arguments.filter((a) => !inPath.includes(a.name) && a.type !== 'attachment')
  const described = (name: string): Json => ({
    ...properties[name],
    description: definition.argumentHelp[name]?.summary ?? '',
  })
  const parameter = (name: string, where: 'path' | 'query', needed: boolean): Json => ({
    name,
    in: where,
    required: needed,
    schema: described(name),
  })
  const inQuery = method === 'GET' || method === 'DELETE'
  const parameters = [
    ...inPath.map((name) => parameter(name, 'path', true)),
    ...(inQuery ? rest.map(({ name }) => parameter(name, 'query', required.includes(name))) : []),
  ]
  const body = {
    type: 'object',
    properties: Object.fromEntries(rest.map(({ name }) => [name, described(name)])),
    required: rest.filter(({ name }) => required.includes(name)).map(({ name }) => name),
    additionalProperties: false,
  }
  const hasBody = !inQuery && rest.length > 0
  const data = definition.data === undefined ? {} : withoutDialect(z.toJSONSchema(definition.data, { unrepresentable: 'any' }))
  return {
    operationId: definition.path.join('-'),
    tags: [tagOf(command)],
    summary: definition.summary,
    ...(definition.help !== undefined && { description: definition.help }),
    ...(parameters.length > 0 && { parameters }),
    ...(hasBody && { requestBody: { required: body.required.length > 0, content: json(body) } }),
    responses: {
      200: { description: 'Done', content: json(data) },
      202: {
        description: 'More is asked: send the values to `/forms/{id}`',
        content: json({ $ref: '#/components/schemas/Form' }),
      },
      default: ERROR,
    },
  }
}

function withoutDialect({ $schema: _, ...schema }: Json): Json {
  return schema
}

function json(schema: Json): Json {
  return { 'application/json': { schema } }
}

const text = { type: 'string' }

const ERROR_SCHEMA = {
  type: 'object',
  required: ['error'],
  properties: {
    error: { type: 'object', required: ['code', 'message'], properties: { code: text, message: text } },
  },
}

const FORM_SCHEMA = {
  type: 'object',
  required: ['form'],
  properties: {
    form: {
      type: 'object',
      required: ['id', 'title', 'fields'],
      properties: {
        id: text,
        title: text,
        fields: {
          type: 'array',
          items: {
            type: 'object',
            required: ['name', 'label', 'required'],
            properties: { name: text, label: text, required: { type: 'boolean' }, value: text, multiline: { type: 'boolean' } },
          },
        },
      },
    },
  },
}

const FORM_OPERATION: Json = {
  operationId: 'submit-form',
  tags: ['general'],
  summary: 'send the values a command asked for',
  parameters: [{ name: 'id', in: 'path', required: true, schema: text }],
  requestBody: {
    required: true,
    content: json({
      type: 'object',
      required: ['values'],
      properties: { values: { type: 'object', additionalProperties: text } },
    }),
  },
  responses: { 200: { description: 'Done', content: json({}) }, default: ERROR },
}

import { usageOf } from './answers.ts'
import type { RegisteredCommand } from './registry.ts'

const ROLE = { everyone: 'everyone', trader: 'traders', moderator: 'moderators', admin: 'administrators' } as const

/** All commands as a Markdown page, from their definitions. */
export function commandsPage(commands: readonly RegisteredCommand[]): string {
  const groups = new Map<string, RegisteredCommand[]>()
  for (const command of commands) {
    const { path } = command.definition
    const group = path.length === 2 ? path[0] : 'general'
    groups.set(group, [...(groups.get(group) ?? []), command])
  }
  const names = [...groups.keys()].sort((a, b) => (a === 'general' ? -1 : b === 'general' ? 1 : a < b ? -1 : 1))
  return [
    '# Commands',
    '',
    'Generated from the definitions by `npm run docs:commands`; do not edit by hand.',
    '',
    'Every command has one definition and is offered on Discord as a slash command, on Telegram, in the web chat (as on Discord), on',
    'the command line of a running gateway, and over HTTP under `/api/v1` with the admin token',
    '(`GET /api/v1/openapi.json` describes it). A dash means: not there.',
    '',
    'Roles: **everyone** in a bridged place; **traders** are everybody unless `access.traders` says `linked`; **moderators** are named',
    'in `access.moderators`, granted by `access moderator`, or may remove messages in a bridged server; **administrators** are named',
    'in `access.admins`, granted by `access admin`, or administrate a bridged server or group. Each may do what those before may.',
    ...names.flatMap((name) => ['', `## ${name}`, '', ...tableOf(groups.get(name) ?? [])]),
    '',
  ].join('\n')
}

function tableOf(commands: readonly RegisteredCommand[]): string[] {
  const head = ['| Discord, web | Telegram | command line | HTTP | role | |', '|---|---|---|---|---|---|']
  return [...head, ...commands.map((c) => `| ${cells(c).join(' | ')} |`)]
}

function cells(command: RegisteredCommand): string[] {
  const { definition, spec, cli, surfaces } = command
  const { method, path } = definition.http
  const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``
  const onDiscord = surfaces.has('discord')
    ? code(usageOf(command, 'discord'))
    : surfaces.has('web')
      ? `${code(usageOf(command, 'web'))} (web)`
      : '–'
  return [
    onDiscord,
    surfaces.has('telegram') ? code(`/${spec.telegram}`) : '–',
    surfaces.has('cli') ? code(`k2gw ${cli.join(' ')}`) : '–',
    surfaces.has('http') ? code(`${method} ${path}`) : '–',
    ROLE[definition.role],
    definition.summary.replaceAll('|', '\\|'),
  ]
}

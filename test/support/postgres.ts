import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { freePort } from './free-port.ts'
import { ServerProcess } from './server-process.ts'

const run = promisify(execFile)
const ROOTS = ['/usr/lib/postgresql', '/usr/local/opt', '/opt/homebrew/opt']

export interface TestPostgres {
  /** URL of an empty database. */
  readonly url: string
  readonly port: number
  /** Another empty database on the same server. */
  createDatabase(): Promise<string>
  /** Runs SQL as superuser, e.g. to end the connections of somebody else. */
  admin(sql: string): Promise<void>
  /** Ends it without any tidying, as a crash does; `restart` brings it back on the same port. */
  kill(): Promise<void>
  restart(): Promise<void>
  /** Ends it and removes its files. */
  stop(): Promise<void>
}

/** Folder of the server's programs: `K2_POSTGRES_BIN`, or the newest Debian or Homebrew installation. */
export function findPostgres(): string | undefined {
  const named = process.env.K2_POSTGRES_BIN
  if (named) return named
  const found = ROOTS.filter(existsSync).flatMap((root) =>
    readdirSync(root)
      .filter((name) => /^(postgresql@)?\d+$/.test(name))
      .sort((a, b) => Number(b.replace(/\D/g, '')) - Number(a.replace(/\D/g, '')))
      .map((name) => join(root, name, 'bin')),
  )
  return found.find((dir) => existsSync(join(dir, 'postgres')) && existsSync(join(dir, 'initdb')))
}

/** The server refuses to run as root: then it runs as the user its package made. */
async function asServerUser(
  command: string,
  args: readonly string[],
): Promise<{ command: string; args: string[]; ids?: [number, number] }> {
  if (process.getuid?.() !== 0) return { command, args: [...args] }
  const id = async (flag: string): Promise<number> => Number((await run('id', [flag, 'postgres'])).stdout)
  const ids: [number, number] = [await id('-u'), await id('-g')]
  return { command: 'setpriv', args: ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--', command, ...args], ids }
}

/** Starts a Postgres server of its own on loopback. */
export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<TestPostgres> {
  const bin = findPostgres()
  if (!bin) throw new Error('no Postgres server is installed')
  const dir = await mkdtemp(join(tmpdir(), 'k2-postgres-'))
  const data = join(dir, 'data')
  const init = await asServerUser(join(bin, 'initdb'), [
    '-D',
    data,
    '-U',
    'k2',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync',
  ])
  if (init.ids) await chown(dir, ...init.ids)
  await run(init.command, init.args)
  const port = await freePort()
  const base = `postgres://k2@127.0.0.1:${port}`
  const all = { fsync: 'off', unix_socket_directories: dir, listen_addresses: '127.0.0.1', port: String(port), ...settings }
  const server = await asServerUser(join(bin, 'postgres'), [
    '-D',
    data,
    ...Object.entries(all).flatMap(([k, v]) => ['-c', `${k}=${v}`]),
  ])
  const start = async (): Promise<ServerProcess> => {
    const child = new ServerProcess(server.command, server.args)
    await child.until('postgres', () => ask(`${base}/postgres`, 'select 1'))
    return child
  }
  let child = await start()
  let databases = 0
  const createDatabase = async (): Promise<string> => {
    const name = `k2_${++databases}`
    await ask(`${base}/postgres`, `create database ${name}`)
    return `${base}/${name}`
  }
  return {
    url: await createDatabase(),
    port,
    createDatabase,
    admin: (sql) => ask(`${base}/postgres`, sql),
    // SIGQUIT: every process of the server exits at once, and the next start recovers from the log.
    kill: () => child.end('SIGQUIT'),
    async restart() {
      await child.end('SIGQUIT')
      child = await start()
    },
    async stop() {
      await child.end('SIGQUIT')
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function ask(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query(sql)
  } finally {
    await client.end().catch(() => {})
  }
}

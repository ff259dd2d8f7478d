import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort } from './free-port.ts'
import { ServerProcess } from './server-process.ts'

export interface TestRedis {
  readonly url: string
  readonly port: number
  /** Empties it, as if somebody had thrown everything away. */
  flush(): Promise<void>
  /** `CONFIG SET`. */
  config(key: string, value: string): Promise<void>
  /** SIGKILL; `restart` brings it back on the same port with its files. */
  kill(): Promise<void>
  restart(): Promise<void>
  /** Stops it from answering while its connections stay, and lets it go on. */
  freeze(): void
  thaw(): void
  /** Ends it and removes its files. */
  stop(): Promise<void>
}

export function findRedis(): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((dir) => join(dir, 'redis-server'))
    .find(existsSync)
}

/** Starts a Redis server of its own on loopback. `args` as on the command line, e.g. `['--maxmemory-policy', 'allkeys-lru']`. */
export async function startRedis(args: readonly string[] = []): Promise<TestRedis> {
  const binary = findRedis()
  if (!binary) throw new Error('redis-server is not installed')
  const dir = await mkdtemp(join(tmpdir(), 'k2-redis-'))
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  const run = async (): Promise<ServerProcess> => {
    const server = new ServerProcess(binary, [
      ...[
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--dir',
        dir,
        '--save',
        '',
        '--appendonly',
        'yes',
        '--appendfsync',
        'no',
      ],
      ...args,
    ])
    await server.until('redis-server', () => ask(url, (client) => client.ping()))
    return server
  }
  let server = await run()
  return {
    url,
    port,
    flush: () => ask(url, (client) => client.flushall()),
    config: (key, value) => ask(url, (client) => client.config('SET', key, value)),
    kill: () => server.end('SIGKILL'),
    async restart() {
      await server.end('SIGKILL')
      server = await run()
    },
    freeze: () => void server.child.kill('SIGSTOP'),
    thaw: () => void server.child.kill('SIGCONT'),
    async stop() {
      await server.end('SIGKILL')
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function ask(url: string, command: (client: Redis) => Promise<unknown>): Promise<void> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 })
  client.on('error', () => {})
  try {
    await client.connect()
    await command(client)
  } finally {
    client.disconnect()
  }
}

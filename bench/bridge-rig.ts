// A gateway between a fake Discord and a fake Telegram, each in a process of its own.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectFakeDiscord, type RemoteFake } from '../test/fakes/discord/client.ts'
import type { FakeDiscordInfo } from '../test/fakes/discord/server.ts'
import { type RemoteTelegramControl, remoteControl } from '../test/fakes/telegram/remote.ts'
import { GatewayProcess } from '../test/support/gateway-process.ts'
import { TsChild } from '../test/support/ts-child.ts'
import { cpuSecondsOf, rssMiBOf } from './proc-stat.ts'

const DISCORD = fileURLToPath(new URL('../test/fakes/discord/main.ts', import.meta.url))
const TELEGRAM = fileURLToPath(new URL('../test/fakes/telegram/main.ts', import.meta.url))
/** The gateway runs as built, and the fakes take their time from the same cores. */
const AS_BUILT = new URL('./as-built.mjs', import.meta.url).href
const SESSION_MS = 60_000

/** A Telegram group and the Discord channel it is joined with. */
export interface Pair {
  readonly chat: number
  readonly channel: string
}

/** CPU seconds so far. */
export interface Cpu {
  readonly gateway: number
  readonly discord: number
  readonly telegram: number
}

export interface BridgeRig {
  readonly discord: RemoteFake
  readonly telegram: RemoteTelegramControl
  readonly pairs: readonly Pair[]
  /** Who speaks on either side. */
  readonly ann: string
  readonly ada: number
  cpu(): Cpu
  rssMiB(): number
  /** Ends the gateway as a power cut does, and brings it back. */
  killGateway(): Promise<void>
  startGateway(): Promise<void>
  /** Ends the three processes and removes the data directory. */
  close(): Promise<void>
}

interface FakeTelegramInfo {
  readonly url: string
  readonly token: string
  readonly botId: number
  readonly userId: number
}

async function startFake<T>(child: TsChild): Promise<T> {
  await child.until((lines) => lines.length > 0)
  return JSON.parse(child.lines[0] as string) as T
}

/** Resolves when the gateway is connected on both sides. Rejects, with everything ended, when it does not start. */
export async function startBridgeRig(options: {
  readonly pairs: number
  readonly synchronousCommit: boolean
  /** Limits as the platforms have them, also on the gateway's side. Default: none. */
  readonly limited?: boolean
}): Promise<BridgeRig> {
  const { limited = false } = options
  const profile = ['--limits', limited ? 'real-like' : 'unlimited']
  const folder = await mkdtemp(join(tmpdir(), 'k2gw-bench-'))
  const fakes = {
    discord: new TsChild(DISCORD, ['--json', ...profile], {}, AS_BUILT),
    telegram: new TsChild(TELEGRAM, profile, {}, AS_BUILT),
  }
  let gateway: GatewayProcess | undefined
  const close = async (): Promise<void> => {
    await gateway?.kill()
    await Promise.all([fakes.discord.end('SIGKILL'), fakes.telegram.end('SIGKILL')])
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const [dc, tg] = await Promise.all([startFake<FakeDiscordInfo>(fakes.discord), startFake<FakeTelegramInfo>(fakes.telegram)])
    const discord = connectFakeDiscord(dc.controlUrl)
    const telegram = remoteControl(tg.url)
    const pairs: Pair[] = []
    for (let i = 0; i < options.pairs; i++) {
      const { id } = await discord.addChannel({ guild: dc.guild, name: `bench-${i}` })
      pairs.push({ channel: id, chat: await telegram.addChat({ title: `Bench ${i}`, members: [tg.botId, tg.userId] }) })
    }
    gateway = await GatewayProcess.prepare(
      folder,
      'bench',
      {
        node: { mode: 'loopback', topics: [] },
        web: { enabled: false },
        log: { level: 'error' },
        // One person on either side writes thousands of lines at once: what is measured is the way, not the pacing of people.
        limits: { authorRate: 'off' },
        database: { driver: 'embedded', synchronousCommit: options.synchronousCommit },
        accounts: {
          discord: { main: { token: '${env:BENCH_DISCORD}', apiUrl: dc.apiUrl } },
          telegram: {
            main: { token: '${env:BENCH_TELEGRAM}', apiUrl: tg.url, limits: limited ? 'default' : 'off', coalesce: false },
          },
        },
        routes: pairs.map(({ chat, channel }, i) => ({
          id: `bench-${i}`,
          members: [{ place: `telegram/main/${chat}` }, { place: `discord/main/${dc.guild}/${channel}` }],
        })),
      },
      { BENCH_DISCORD: dc.token, BENCH_TELEGRAM: tg.token },
    )
    await gateway.start()
    await discord.waitForSession({ timeoutMs: SESSION_MS })
    const running = gateway
    return {
      discord,
      telegram,
      pairs,
      ann: dc.user,
      ada: tg.userId,
      cpu: () => ({
        gateway: cpuSecondsOf(running.pid as number),
        discord: cpuSecondsOf(fakes.discord.child.pid as number),
        telegram: cpuSecondsOf(fakes.telegram.child.pid as number),
      }),
      rssMiB: () => Math.round(rssMiBOf(running.pid as number)),
      killGateway: () => running.kill(),
      startGateway: async () => void (await running.start()),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

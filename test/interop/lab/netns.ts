import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const exec = promisify(execFile)
const ip = async (...args: readonly string[]): Promise<string> => (await exec('ip', args, { timeout: 10_000 })).stdout

/** Why namespaces cannot be used here, or undefined when they can. */
export async function namespacesRefused(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'network namespaces exist on Linux only'
  const name = `k2probe${randomBytes(3).toString('hex')}`
  try {
    await ip('netns', 'add', name)
    await ip('-n', name, 'link', 'set', 'lo', 'up')
    await ip('-n', name, 'link', 'add', 'k2probe', 'type', 'veth', 'peer', 'name', 'k2probe2')
    return undefined
  } catch (error) {
    const text =
      error instanceof Error
        ? (error.message.split('\n').find((line) => line.trim() !== '' && !line.startsWith('Command')) ?? error.message)
        : String(error)
    return `network namespaces are not allowed here (${text.trim().slice(0, 120)})`
  } finally {
    await ip('netns', 'del', name).catch(() => {}) // it may not exist
  }
}

export interface Impairment {
  readonly delayMs: number
  readonly lossPercent: number
}

export interface Host {
  /** Put before a command to run it on this host. */
  readonly wrapper: readonly string[]
  readonly ip: string
}

/** Hosts on one switch, each in a network namespace of its own; nothing of it touches the machine's own network. */
export class HostNetwork {
  readonly hosts: readonly Host[]
  /** What the links really do: netem may be missing in the kernel. */
  readonly impairment: Impairment | undefined
  readonly #names: readonly string[]

  private constructor(names: readonly string[], hosts: readonly Host[], impairment: Impairment | undefined) {
    this.#names = names
    this.hosts = hosts
    this.impairment = impairment
  }

  static async create(count: number, wanted?: Impairment): Promise<HostNetwork> {
    const prefix = `k2i${randomBytes(3).toString('hex')}`
    const names = [`${prefix}sw`, ...Array.from({ length: count }, (_, i) => `${prefix}n${i + 1}`)]
    const [lan, ...nodes] = names as [string, ...string[]]
    try {
      for (const name of names) {
        await ip('netns', 'add', name)
        await ip('-n', name, 'link', 'set', 'lo', 'up')
      }
      await ip('-n', lan, 'link', 'add', 'br0', 'type', 'bridge')
      await ip('-n', lan, 'link', 'set', 'br0', 'up')
      const hosts: Host[] = []
      let impairment = wanted
      for (const [i, node] of nodes.entries()) {
        const address = `10.77.0.${i + 1}`
        await ip('-n', node, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', `p${i + 1}`, 'netns', lan)
        await ip('-n', node, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
        await ip('-n', node, 'link', 'set', 'eth0', 'up')
        // Rust's mDNS sends on the network of the default route only.
        await ip('-n', node, 'route', 'add', 'default', 'dev', 'eth0')
        await ip('-n', lan, 'link', 'set', `p${i + 1}`, 'master', 'br0', 'up')
        if (wanted !== undefined && !(await impair(node, wanted))) impairment = undefined
        hosts.push({ wrapper: ['ip', 'netns', 'exec', node], ip: address })
      }
      return new HostNetwork(names, hosts, impairment)
    } catch (error) {
      await remove(names)
      throw error
    }
  }

  /** These hosts reach those that are not among them, but not each other, as behind routers. */
  async isolate(...indices: readonly number[]): Promise<void> {
    for (const i of indices) {
      await ip('-n', this.#names[0] as string, 'link', 'set', `p${i + 1}`, 'type', 'bridge_slave', 'isolated', 'on')
    }
  }

  /** Programs started on a host from now on ask this name server. */
  async setResolver(index: number, server: string): Promise<void> {
    const folder = resolverFolder(this.#names[index + 1] as string)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'resolv.conf'), `nameserver ${server}\n`)
  }

  /** Takes a host off the switch, or puts it back. */
  async setLink(index: number, state: 'up' | 'down'): Promise<void> {
    await ip('-n', this.#names[0] as string, 'link', 'set', `p${index + 1}`, state)
  }

  /** Removes all namespaces, and with them the links. Never rejects. */
  async close(): Promise<void> {
    await remove(this.#names)
  }
}

/** `ip netns exec` shows the files in it instead of those in /etc. */
const resolverFolder = (name: string): string => join('/etc/netns', name)

async function impair(node: string, { delayMs, lossPercent }: Impairment): Promise<boolean> {
  const netem = ['netem', 'delay', `${delayMs}ms`, 'loss', `${lossPercent}%`]
  return await exec('tc', ['-n', node, 'qdisc', 'add', 'dev', 'eth0', 'root', ...netem], { timeout: 10_000 }).then(
    () => true,
    () => false,
  )
}

async function remove(names: readonly string[]): Promise<void> {
  for (const name of names) {
    await ip('netns', 'del', name).catch(() => {}) // may not have been created
    await rm(resolverFolder(name), { recursive: true, force: true }).catch(() => {}) // likewise
  }
}

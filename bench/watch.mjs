// What a piece of work costs its process: memory above the beginning, and how long the event loop could not turn.
import { openSync, readSync } from 'node:fs'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'

const MIB = 1 << 20
const SAMPLE_MS = 20
const TURN_MS = 5

/**
 * Text of a file of /proc, read again and again; empty without /proc. One buffer for all reads: `readFileSync` takes 64 KiB for each,
 * and looking so often then costs more memory, and more collections of garbage, than a transfer.
 */
function procFile(path) {
  try {
    const [fd, buffer] = [openSync(path, 'r'), Buffer.alloc(4096)]
    return () => buffer.latin1Slice(0, readSync(fd, buffer, 0, buffer.length, 0))
  } catch {
    return () => ''
  }
}

const status = procFile('/proc/self/status')
const schedstat = procFile(`/proc/self/task/${process.pid}/schedstat`)

/** Resident memory, MiB, and the part of it no file stands behind; that and the rest are 0 without /proc. */
function memory() {
  const text = status()
  const of = (name) => {
    const at = text.indexOf(name)
    return at < 0 ? 0 : Number.parseInt(text.slice(at + name.length, at + name.length + 20), 10) / 1024
  }
  return text === '' ? { rss: process.memoryUsage.rss() / MIB, anonymous: 0 } : { rss: of('VmRSS:'), anonymous: of('RssAnon:') }
}

/** What the main thread had of a processor, and how long it was ready to run while others ran instead, ms so far; 0 without /proc. */
function scheduled() {
  const [ran = 0, waited = 0] = schedstat().split(' ')
  return { ran: Number(ran) / 1e6, waited: Number(waited) / 1e6 }
}

/** The longest times the event loop could not turn: less what the main thread only waited for a processor, and of it what it computed. */
function watchTurns() {
  let at = performance.now()
  let before = scheduled()
  let [longest, longestOwn] = [0, 0]
  const look = () => {
    const [now, soFar] = [performance.now(), scheduled()]
    const late = now - at - (soFar.waited - before.waited) - TURN_MS
    longest = Math.max(longest, late)
    longestOwn = Math.max(longestOwn, Math.min(late, soFar.ran - before.ran))
    at = now
    before = soFar
  }
  const timer = setInterval(look, TURN_MS)
  return () => {
    look()
    clearInterval(timer)
    return { longest, longestOwn }
  }
}

/** Begins to watch; the answer ends it and gives a `Watched` (`blobs-fetch-process.ts`). Garbage is collected first where that can be asked for. */
export function watch() {
  globalThis.gc?.()
  const idle = memory()
  const peak = { ...idle }
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const sampler = setInterval(() => {
    const now = memory()
    peak.rss = Math.max(peak.rss, now.rss)
    peak.anonymous = Math.max(peak.anonymous, now.anonymous)
  }, SAMPLE_MS)
  delay.enable()
  const turns = watchTurns()
  return () => {
    const { longest, longestOwn } = turns()
    delay.disable()
    clearInterval(sampler)
    const loopDelayMs = { p99: delay.percentile(99) / 1e6, max: delay.max / 1e6, longestTurn: longest, longestOwn }
    return { idle, peak, loopDelayMs }
  }
}

// What a piece of work costs its process: memory above the beginning, and how long the event loop could not turn.
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
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

/** Resident memory, MiB, and the part of it no file stands behind; that and the rest are 0 without /proc. */
function memory() {
  const text = status()
  const of = (name) => {
    const at = text.indexOf(name)
    return at < 0 ? 0 : Number.parseInt(text.slice(at + name.length, at + name.length + 20), 10) / 1024
  }
  return text === '' ? { rss: process.memoryUsage.rss() / MIB, anonymous: 0 } : { rss: of('VmRSS:'), anonymous: of('RssAnon:') }
}

/** Looks between two at which threads there are. */
const LOOKS_PER_LIST = 20

/** What a thread had of a processor, and how long it was ready to run while others ran instead, ms since the last call. */
class ThreadClock {
  #fd
  #buffer
  #ran = 0
  #waited = 0

  constructor(tid, buffer) {
    this.#fd = openSync(`/proc/self/task/${tid}/schedstat`, 'r')
    this.#buffer = buffer
    this.read()
  }

  /** Throws when the thread has ended. */
  read() {
    readSync(this.#fd, this.#buffer, 0, this.#buffer.length, 0)
    const ran = this.#number(0)
    const waited = this.#number(this.#buffer.indexOf(0x20) + 1)
    const since = { ran: (ran - this.#ran) / 1e6, waited: (waited - this.#waited) / 1e6 }
    this.#ran = ran
    this.#waited = waited
    return since
  }

  /** Digits by hand: strings, so often, would be garbage that is measured too. */
  #number(from) {
    let value = 0
    for (let at = from; this.#buffer[at] >= 0x30 && this.#buffer[at] <= 0x39; at++) value = value * 10 + this.#buffer[at] - 0x30
    return value
  }

  close() {
    closeSync(this.#fd)
  }
}

/** The threads of this process beside the main one; none without /proc. */
class OtherThreads {
  #clocks = new Map()
  #buffer = Buffer.alloc(64)
  #looks = 0

  /** Longest time one of them was ready to run and had no processor, ms since the last call. */
  longestWait() {
    if (this.#looks++ % LOOKS_PER_LIST === 0) this.#list()
    let longest = 0
    for (const [tid, clock] of this.#clocks) {
      try {
        longest = Math.max(longest, clock.read().waited)
      } catch {
        clock.close()
        this.#clocks.delete(tid)
      }
    }
    return longest
  }

  #list() {
    for (const tid of threads()) {
      if (Number(tid) === process.pid || this.#clocks.has(tid)) continue
      try {
        this.#clocks.set(tid, new ThreadClock(tid, this.#buffer))
      } catch {
        // Ended meanwhile.
      }
    }
  }

  close() {
    for (const clock of this.#clocks.values()) clock.close()
  }
}

function threads() {
  try {
    return readdirSync('/proc/self/task')
  } catch {
    return []
  }
}

/**
 * The longest times the event loop could not turn, which is not while it waits for something to do, even if it is woken late: less what the
 * main thread only waited for a processor; of that what it computed; and that without the time in which it waited for something else while
 * another thread of this process waited for a processor, as it does for a lock whose holder has none.
 */
function watchTurns() {
  const isLinux = threads().length > 0
  const main = isLinux ? new ThreadClock(process.pid, Buffer.alloc(64)) : { read: () => ({ ran: 0, waited: 0 }), close() {} }
  const others = new OtherThreads()
  let at = performance.now()
  let { active } = performance.eventLoopUtilization()
  let [longest, longestOwn, longestUnexplained] = [0, 0, 0]
  const look = () => {
    const now = performance.now()
    const { ran, waited } = main.read()
    const othersWaited = others.longestWait()
    const busy = performance.eventLoopUtilization().active
    const late = Math.min(now - at - waited - TURN_MS, busy - active)
    active = busy
    const own = Math.min(late, ran)
    longest = Math.max(longest, late)
    longestOwn = Math.max(longestOwn, own)
    longestUnexplained = Math.max(longestUnexplained, late - Math.min(late - own, othersWaited))
    at = now
  }
  look()
  const timer = setInterval(look, TURN_MS)
  return () => {
    look()
    clearInterval(timer)
    main.close()
    others.close()
    return { longestTurn: longest, longestUnexplained, longestOwn }
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
    const turn = turns()
    delay.disable()
    clearInterval(sampler)
    const loopDelayMs = { p99: delay.percentile(99) / 1e6, max: delay.max / 1e6, ...turn }
    return { idle, peak, loopDelayMs }
  }
}

// CPU time and memory of another process, from /proc.
import { readFileSync } from 'node:fs'

const CLOCK_TICKS_PER_SECOND = 100

/** User and system time so far, seconds; 0 where there is no /proc. */
export function cpuSecondsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND
  } catch {
    // Not Linux: the figure is left at 0.
    return 0
  }
}

/** Resident memory, MiB; 0 where there is no /proc. */
export function rssMiBOf(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024
  } catch {
    // As above.
    return 0
  }
}

import type { ManualClock } from '../../../src/base/clock.ts'

/** Lets promise reactions and zero-delay deliveries run until nothing is left to do at this moment. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** Moves a manual clock in steps and lets everything due at each step happen. */
export async function pass(clock: ManualClock, ms: number, stepMs = 1): Promise<void> {
  for (let done = 0; done < ms; done += stepMs) {
    clock.advance(Math.min(stepMs, ms - done))
    await settle()
  }
}

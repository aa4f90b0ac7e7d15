/**
 * Numbers that a seed decides.
 */

/** A generator of numbers from 0 to 1, without 1 (mulberry32). */
export const generator = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** The same in another order. */
export const shuffled = <A>(values: ReadonlyArray<A>, random: () => number): Array<A> => {
  const rest = [...values]
  const order: Array<A> = []
  while (rest.length > 0) order.push(...rest.splice(Math.floor(random() * rest.length), 1))
  return order
}

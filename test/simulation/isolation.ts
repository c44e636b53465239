/**
 * Takes the thread's own sources of time and chance away while a simulation runs: `setImmediate` becomes a task of the
 * process that called it, `performance.now` and `Date.now` tell virtual time, ids come from the seed; a timer or a random number
 * that was not injected is an error. For threads that do nothing but simulate; between runs everything is as usual.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import { EPOCH_MS } from './sim-process.ts';

interface World {
  readonly scheduler: Scheduler;
  readonly random: Random;
}

let world: World | null = null;
let installed = false;

/** Until `release`. */
export function isolate(scheduler: Scheduler, random: Random): void {
  if (!installed) install();
  installed = true;
  world = { scheduler, random };
}

export function release(): void {
  world = null;
}

type Call = (...args: never[]) => unknown;

/** @param virtual what takes its place while a simulation runs */
function replace<Name extends string>(
  target: { [K in Name]: Call },
  name: Name,
  virtual: (world: World) => Call,
): void {
  const real = target[name];
  const either = function (this: unknown, ...args: never[]): unknown {
    return world === null ? Reflect.apply(real, target, args) : virtual(world)(...args);
  };
  Object.defineProperty(target, name, { value: either, configurable: true, writable: true });
}

function install(): void {
  const nextTurn = ({ scheduler }: World, callback: () => void) => scheduler.after(0, scheduler.current, callback);
  replace(globalThis, 'setImmediate', (world) => (callback: () => void) => nextTurn(world, callback));
  replace(timers, 'setImmediate', (world) => (value: unknown) => {
    return new Promise((resolve) => nextTurn(world, () => resolve(value)));
  });
  replace(
    performance,
    'now',
    ({ scheduler }) =>
      () =>
        scheduler.nowMs,
  );
  replace(
    Date,
    'now',
    ({ scheduler }) =>
      () =>
        EPOCH_MS + Math.floor(scheduler.nowMs),
  );
  replace(crypto, 'randomUUID', ({ random }) => () => {
    return Array.from({ length: 3 }, () => random.next().toString(36).slice(2, 8)).join('-');
  });
  replace(globalThis, 'setTimeout', (world) => () => refuse(world, 'setTimeout'));
  replace(globalThis, 'setInterval', (world) => () => refuse(world, 'setInterval'));
  replace(Math, 'random', (world) => () => refuse(world, 'Math.random'));
  // Modules that imported these by name see the replacements from here on.
  syncBuiltinESMExports();
}

function refuse({ scheduler }: World, name: string): never {
  const error = new Error(`${name} was called, which no seed decides`);
  scheduler.fail(error);
  throw error;
}

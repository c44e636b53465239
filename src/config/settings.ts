/**
 * Settings, read once at the edge: flag > environment > file > default, each value with its origin. The only reader of
 * `process.env`.
 */
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { join, resolve } from 'node:path';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { KitError } from '../kit/errors.ts';
import { nearest } from './nearest-name.ts';
import {
  CONFIG_FILE_ENV,
  CONFIG_FILE_NAME,
  type Definition,
  definitions,
  environmentNames,
  type SettingKey,
  type Settings,
  settingKeys,
} from './setting-definitions.ts';

export type { SettingKey, Settings } from './setting-definitions.ts';

export interface Origin {
  readonly source: 'flag' | 'env' | 'file' | 'default';
  /** The flag, variable or file that gave the value; empty for a default. */
  readonly name: string;
}

export interface LoadedSettings {
  readonly settings: Settings;
  readonly origins: Readonly<Record<SettingKey, Origin>>;
}

export interface LoadOptions {
  /** By option name as commander gives it (`webPort`, `bootstrap`, `settingsFile`); undefined counts as not given. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

type Environment = NonNullable<LoadOptions['env']>;

interface Found {
  readonly value: unknown;
  readonly origin: Origin;
}

/**
 * @throws KitError UNKNOWN_SETTING, INVALID_SETTING, SETTING_CONFLICT (two names of one setting, two values),
 *   SETTINGS_FILE_UNREADABLE, AUTHENTICATION_REQUIRED (listening beyond this machine without a token)
 */
export function loadSettings({ flags = {}, env = process.env, cwd = process.cwd() }: LoadOptions = {}): LoadedSettings {
  refuseUnknown('flag', keysGiven(flags).map(flagText), [
    '--settings-file',
    ...settingOptions().map((option) => `--${option.flag}`),
  ]);
  const prefixed = keysGiven(env).filter((name) => name.startsWith('STREAMSOCIAL_'));
  refuseUnknown('environment variable', prefixed, environmentNames());
  const file = readSettingsFile(flags.settingsFile ?? given(env, CONFIG_FILE_ENV), cwd);
  refuseUnknown(`key in ${file.path}`, Object.keys(file.values), settingKeys);

  const found = settingKeys.map((key) => {
    const definition: Definition = definitions[key];
    const from = fromFlag(definition, flags) ??
      fromEnvironment(key, definition, env, cwd) ??
      fromFile(key, definition, file) ?? { value: definition.default, origin: { source: 'default', name: '' } };
    return [key, { value: validated(key, definition, from), origin: from.origin }] as const;
  });
  const values = Object.fromEntries(found.map(([key, { value }]) => [key, value])) as Settings;
  const settings = deepFreeze({ ...values, dataDir: resolve(cwd, values.dataDir) });
  if (!isLoopback(settings.webHost) && settings.authToken === null)
    throw new KitError(
      'AUTHENTICATION_REQUIRED',
      `Listening on ${settings.webHost} lets others in: set STREAMSOCIAL_AUTH_TOKEN or STREAMSOCIAL_AUTH_TOKEN_FILE, or listen on 127.0.0.1.`,
    );
  const origins = Object.fromEntries(found.map(([key, { origin }]) => [key, origin])) as Record<SettingKey, Origin>;
  return deepFreeze({ settings, origins });
}

export interface DescribedSetting {
  readonly key: SettingKey;
  /** Secrets are shown as `(set)`. */
  readonly value: unknown;
  readonly source: Origin['source'];
  readonly name: string;
}

export function describeSettings({ settings, origins }: LoadedSettings): DescribedSetting[] {
  return settingKeys.map((key) => {
    const { secret } = definitions[key] as Definition;
    return { key, value: secret && settings[key] !== null ? '(set)' : settings[key], ...origins[key] };
  });
}

export interface SettingOption {
  readonly key: SettingKey;
  readonly flag: string;
  /** As commander takes it: `-b, --bootstrap <value>`. */
  readonly usage: string;
  readonly description: string;
}

/** The settings that can be given as flags. */
export function settingOptions(): SettingOption[] {
  return settingKeys.flatMap((key) => {
    const { flag, short, description }: Definition = definitions[key];
    if (flag === null) return [];
    return [
      {
        key,
        flag,
        usage: `${short ? `-${short}, ` : ''}--${flag} <value>`,
        description: description.replaceAll('`', ''),
      },
    ];
  });
}

/** The part of a command's options that are settings; the rest is the command's own. */
export function settingFlags(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = new Set(['settingsFile', ...settingOptions().map((option) => attribute(option.flag))]);
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.has(name)));
}

/** Node takes every loopback name that resolves on the machine itself; other names could be anything. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

function fromFlag({ flag }: Definition, flags: Readonly<Record<string, unknown>>): Found | undefined {
  const value = flag === null ? undefined : flags[attribute(flag)];
  return value === undefined ? undefined : { value, origin: { source: 'flag', name: `--${flag}` } };
}

function fromEnvironment(key: SettingKey, definition: Definition, env: Environment, cwd: string): Found | undefined {
  const names = definition.secret ? definition.env.flatMap((name) => [name, `${name}_FILE`]) : definition.env;
  const set = names.filter((name) => given(env, name) !== undefined);
  const [first, ...others] = set.map((name) => ({ name, text: textOf(definition, env, name, cwd) }));
  if (first === undefined) return undefined;
  const rival = others.find(({ text }) => text !== first.text);
  if (rival !== undefined)
    throw new KitError(
      'SETTING_CONFLICT',
      `${first.name} and ${rival.name} both set ${key}, to different values. Remove one.`,
    );
  return { value: first.text, origin: { source: 'env', name: first.name } };
}

function textOf(definition: Definition, env: Environment, name: string, cwd: string): string {
  const text = env[name] as string;
  if (!definition.secret || definition.env.includes(name)) return text;
  return readText(resolve(cwd, text), name).trim();
}

interface SettingsFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
}

function fromFile(key: SettingKey, { secret, env }: Definition, { path, values }: SettingsFile): Found | undefined {
  const value = values[key];
  if (value === undefined) return undefined;
  if (secret)
    throw new KitError(
      'INVALID_SETTING',
      `${key} is a secret and does not belong in ${path}: use ${env[0]} or ${env[0]}_FILE.`,
    );
  return { value, origin: { source: 'file', name: path } };
}

function readSettingsFile(named: unknown, cwd: string): SettingsFile {
  const path = named === undefined ? join(cwd, CONFIG_FILE_NAME) : resolve(cwd, String(named));
  const text = named === undefined ? readIfThere(path) : readText(path, 'the settings file');
  if (text === undefined) return { path, values: {} };
  try {
    const values: unknown = JSON.parse(text);
    if (typeof values !== 'object' || values === null || Array.isArray(values))
      throw new Error('it holds no JSON object');
    return { path, values: values as Record<string, unknown> };
  } catch (cause) {
    throw unreadable(path, 'the settings file', cause);
  }
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw unreadable(path, what, cause);
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(path, 'the settings file', cause);
  }
}

function unreadable(path: string, what: string, cause: unknown): KitError {
  return new KitError('SETTINGS_FILE_UNREADABLE', `${path} (${what}) cannot be read: ${(cause as Error).message}`, {
    cause,
  });
}

/** Flags and variables are text; a file has JSON's types. */
function validated(key: SettingKey, definition: Definition, { value, origin }: Found): unknown {
  const parsed = typeof value === 'string' ? parse(definition, value) : value;
  const [error] = Value.Errors(definition.type, parsed);
  if (error === undefined) return parsed;
  const shown = definition.secret ? 'the value' : JSON.stringify(value);
  const unsaid = definition.secret || 'anyOf' in definition.type;
  const rule = unsaid ? `is refused. ${definition.description}` : error.message;
  const allowed = 'enum' in definition.type ? ` (${(definition.type.enum as string[]).join(', ')})` : '';
  throw new KitError('INVALID_SETTING', `${key}: ${shown} from ${origin.name} ${rule}${allowed}`, {
    details: { setting: key, origin },
  });
}

function parse({ type }: Definition, text: string): unknown {
  const kinds = ('anyOf' in type ? (type.anyOf as TSchema[]) : [type]).map((each) => ('type' in each ? each.type : ''));
  if (kinds.includes('array')) return text.split(',').map((item) => item.trim());
  const isNumber = kinds.includes('integer') || kinds.includes('number');
  if (isNumber && /^-?\d+(\.\d+)?$/.test(text.trim())) return Number(text);
  if (kinds.includes('boolean') && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}

function refuseUnknown(what: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const suggestion = nearest(unknown, known);
  throw new KitError(
    'UNKNOWN_SETTING',
    `Unknown ${what}: ${unknown}.${suggestion ? ` Did you mean ${suggestion}?` : ''}`,
    {
      details: { name: unknown, suggestion },
    },
  );
}

function keysGiven(values: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(values).filter((name) => values[name] !== undefined);
}

/** An empty variable counts as not set, as Compose files and shells leave them. */
function given(env: Environment, name: string): string | undefined {
  return env[name] === '' ? undefined : env[name];
}

/** `web-port` -> `webPort`, and back */
function attribute(flag: string): string {
  return flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function flagText(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner as object);
  return Object.freeze(value);
}

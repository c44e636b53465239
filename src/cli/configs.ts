import type { Command } from 'commander';
import { KitError } from '../kit/errors.ts';
import type { ConfigEntry, ConfigResource } from '../kit/log/log-admin.ts';
import { type LogAccess, withLog } from './log-access.ts';
import { print, printJson, table } from './output.ts';
import { collected, keyValue, type VerbContext } from './verbs.ts';

interface ResourceFlags {
  readonly topic?: string;
  readonly broker?: string;
  readonly json?: boolean;
}

interface DescribeFlags extends ResourceFlags {
  readonly all?: boolean;
}

interface AlterFlags extends ResourceFlags {
  readonly add?: Readonly<Record<string, string>>;
  readonly delete?: readonly string[];
  readonly execute?: boolean;
}

export function logConfigVerbs(program: Command, context: VerbContext): void {
  const noun = program.command('configs').description('configuration of topics and brokers, as the log has it');

  context
    .verb(noun, 'describe', 'what was set for a topic or a broker')
    .option('-t, --topic <name>', 'of this topic')
    .option('--broker <id>', 'of this broker')
    .option('--all', 'also what is as it is by default')
    .option('--json', 'one JSON object a line')
    .action((flags: DescribeFlags) => {
      const resource = resourceOf(flags);
      return withLog(context.loaded, (access) => describeConfigs(access, resource, flags));
    });

  context
    .verb(noun, 'alter', 'set or unset configurations; says what would change until --execute')
    .option('-t, --topic <name>', 'of this topic')
    .option('--broker <id>', 'of this broker')
    .option('--add <key=value...>', 'set, repeatable', keyValue)
    .option('--delete <key>', 'go back to the default, repeatable', collected)
    .option('--execute', 'do it')
    .option('--json', 'one JSON object per change')
    .action((flags: AlterFlags) => {
      const resource = resourceOf(flags);
      return withLog(context.loaded, (access) => alterConfigs(access, resource, flags));
    });
}

/** @throws KitError USAGE */
function resourceOf({ topic, broker }: ResourceFlags): ConfigResource {
  if (topic !== undefined && broker === undefined) return { type: 'topic', name: topic };
  if (broker !== undefined && topic === undefined) return { type: 'broker', name: broker };
  throw new KitError('USAGE', 'Say whose: -t TOPIC or --broker ID');
}

async function describeConfigs({ admin }: LogAccess, resource: ConfigResource, flags: DescribeFlags): Promise<void> {
  const all = await admin.describeConfigs(resource);
  const shown = flags.all ? all : all.filter(({ source }) => source !== 'DEFAULT_CONFIG');
  if (flags.json) {
    for (const { readOnly: read_only, ...rest } of shown)
      printJson({ resource: resource.type, resource_name: resource.name, ...rest, read_only });
    return;
  }
  if (shown.length === 0) return print(`${resource.type} ${resource.name} has the defaults; --all shows them`);
  print(
    table(
      ['name', 'value', 'source', ''],
      shown.map((one) => [one.name, valueText(one), one.source, one.readOnly ? 'read-only' : '']),
    ),
  );
}

function valueText({ value, sensitive }: Pick<ConfigEntry, 'value' | 'sensitive'>): string {
  return sensitive ? '(secret)' : (value ?? '(nothing)');
}

async function alterConfigs({ admin }: LogAccess, resource: ConfigResource, flags: AlterFlags): Promise<void> {
  const removed = Object.fromEntries((flags.delete ?? []).map((name) => [name, null]));
  const both = Object.keys(removed).find((name) => Object.hasOwn(flags.add ?? {}, name));
  if (both !== undefined) throw new KitError('USAGE', `${both} is both added and deleted`);
  const changes: Record<string, string | null> = { ...flags.add, ...removed };
  if (Object.keys(changes).length === 0) throw new KitError('USAGE', 'Say what: --add key=value or --delete key');
  const before = new Map((await admin.describeConfigs(resource)).map((entry) => [entry.name, entry]));
  const unknown = Object.keys(removed).find((name) => !before.has(name));
  if (unknown !== undefined)
    throw new KitError('INVALID_CONFIG', `${resource.type} ${resource.name} has no configuration ${unknown}`);
  await admin.alterConfigs(resource, changes, { validateOnly: !flags.execute });
  const rows = Object.entries(changes).map(([name, value]) => ({
    name,
    from: before.get(name),
    to: value,
  }));
  if (flags.json) {
    for (const { name, from, to } of rows) {
      const old_value = from?.value ?? null;
      const executed = flags.execute === true;
      printJson({ resource: resource.type, resource_name: resource.name, name, old_value, new_value: to, executed });
    }
    return;
  }
  print(
    table(
      ['name', 'now', 'then'],
      rows.map(({ name, from, to }) => [
        name,
        from === undefined ? '(nothing)' : valueText(from),
        to === null ? '(default)' : from?.sensitive ? '(secret)' : to,
      ]),
    ),
  );
  print(flags.execute ? 'changed' : 'nothing was changed; --execute changes');
}

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { nearest } from '../../src/config/nearest-name.ts';
import { describeSettings, isLoopback, loadSettings, settingFlags, settingOptions } from '../../src/config/settings.ts';

const cwd = mkdtempSync(join(tmpdir(), 'streamsocial-settings-'));
after(() => rmSync(cwd, { recursive: true, force: true }));

function write(name: string, content: unknown): string {
  const path = join(cwd, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

type Sources = Pick<NonNullable<Parameters<typeof loadSettings>[0]>, 'flags' | 'env'>;

/** Away from this machine's environment and from any streamsocial.json. */
function load({ flags = {}, env = {} }: Sources) {
  return loadSettings({ flags, env, cwd });
}

function refuses(sources: Sources, code: string, message: RegExp): void {
  assert.throws(() => load(sources), { name: 'KitError', code, message });
}

describe('where a value comes from', () => {
  test('defaults', () => {
    const { settings, origins } = load({});
    assert.equal(settings.webPort, 8765);
    assert.equal(settings.log, 'embedded');
    assert.equal(settings.authToken, null);
    assert.equal(settings.dataDir, join(cwd, '.streamsocial'));
    assert.deepEqual(origins.webPort, { source: 'default', name: '' });
  });

  test('flag over environment over file over default', () => {
    const config = write('order.json', { webPort: 1, redisPort: 1, redisDb: 1 });
    const { settings, origins } = load({
      flags: { settingsFile: config, webPort: '3' },
      env: { WEB_PORT: '2', REDIS_PORT: '2' },
    });
    assert.deepEqual([settings.webPort, settings.redisPort, settings.redisDb], [3, 2, 1]);
    assert.deepEqual(origins.webPort, { source: 'flag', name: '--web-port' });
    assert.deepEqual(origins.redisPort, { source: 'env', name: 'REDIS_PORT' });
    assert.deepEqual(origins.redisDb, { source: 'file', name: config });
  });

  test('streamsocial.json of the working directory, STREAMSOCIAL_CONFIG, --settings-file', () => {
    const usual = write('streamsocial.json', { redisDb: 1 });
    assert.equal(load({}).settings.redisDb, 1);
    rmSync(usual);
    assert.equal(load({ env: { STREAMSOCIAL_CONFIG: write('named.json', { redisDb: 2 }) } }).settings.redisDb, 2);
    assert.equal(load({ flags: { settingsFile: 'named.json' } }).settings.redisDb, 2);
  });

  test('a list is text with commas, or an array in the file', () => {
    assert.deepEqual(load({ env: { KAFKA_BOOTSTRAP_SERVERS: 'a:1, b:2' } }).settings.kafkaBootstrap, ['a:1', 'b:2']);
    const config = write('list.json', { kafkaBootstrap: ['c:3'] });
    assert.deepEqual(load({ flags: { settingsFile: config } }).settings.kafkaBootstrap, ['c:3']);
  });

  test('an empty variable counts as not set', () =>
    assert.equal(load({ env: { WEB_PORT: '' } }).settings.webPort, 8765));

  test('both names of a setting may be set to one value', () =>
    assert.equal(load({ env: { WEB_PORT: '1', STREAMSOCIAL_WEB_PORT: '1' } }).settings.webPort, 1));

  test('what was loaded cannot be changed', () => {
    const { settings } = load({});
    assert.ok(Object.isFrozen(settings) && Object.isFrozen(settings.kafkaBootstrap));
  });
});

describe('what is refused', () => {
  test('unknown names, with the nearest known one', () => {
    refuses({ flags: { webPrt: 1 } }, 'UNKNOWN_SETTING', /--web-prt\. Did you mean --web-port\?/);
    refuses({ env: { STREAMSOCIAL_WEBPORT: '1' } }, 'UNKNOWN_SETTING', /Did you mean STREAMSOCIAL_WEB_PORT\?/);
    refuses(
      { flags: { settingsFile: write('typo.json', { webport: 1 }) } },
      'UNKNOWN_SETTING',
      /Did you mean webPort\?/,
    );
    refuses({ env: { STREAMSOCIAL_ZZZZZZZZZZZZ: '1' } }, 'UNKNOWN_SETTING', /ZZZ\.$/);
    assert.equal(load({ env: { HOME: 'x', KAFKA_HEAP_OPTS: 'y' } }).settings.webPort, 8765);
  });

  test('values that do not fit, with where they came from', () => {
    refuses({ flags: { webPort: 'abc' } }, 'INVALID_SETTING', /webPort: "abc" from --web-port must be integer/);
    refuses({ env: { WEB_PORT: '70000' } }, 'INVALID_SETTING', /70000.* from WEB_PORT/);
    refuses({ env: { STREAMSOCIAL_LOG: 'kafak' } }, 'INVALID_SETTING', /\(embedded, kafka\)/);
    refuses({ env: { KAFKA_BOOTSTRAP_SERVERS: 'localhost' } }, 'INVALID_SETTING', /kafkaBootstrap/);
    refuses({ flags: { settingsFile: write('type.json', { webPort: true }) } }, 'INVALID_SETTING', /type\.json/);
  });

  test('two names of one setting with two values', () =>
    refuses(
      { env: { WEB_PORT: '1', STREAMSOCIAL_WEB_PORT: '2' } },
      'SETTING_CONFLICT',
      /STREAMSOCIAL_WEB_PORT and WEB_PORT/,
    ));

  test('a settings file that is named and not there, or not JSON, or no object', () => {
    for (const settingsFile of ['gone.json', write('half.json', '{"a":'), write('array.json', [])])
      refuses({ flags: { settingsFile } }, 'SETTINGS_FILE_UNREADABLE', /cannot be read/);
  });

  test('another address than loopback without a token', () => {
    refuses({ env: { WEB_HOST: '0.0.0.0' } }, 'AUTHENTICATION_REQUIRED', /STREAMSOCIAL_AUTH_TOKEN/);
    const env = { WEB_HOST: '0.0.0.0', STREAMSOCIAL_AUTH_TOKEN: 'a-token-of-some-length' };
    assert.equal(load({ env }).settings.webHost, '0.0.0.0');
  });
});

describe('secrets', () => {
  const token = 'a-token-of-some-length';

  test('come from a variable or a file, and are not shown', () => {
    const env = { STREAMSOCIAL_AUTH_TOKEN_FILE: write('token', `${token}\n`) };
    for (const loaded of [load({ env }), load({ env: { STREAMSOCIAL_AUTH_TOKEN: token } })]) {
      assert.equal(loaded.settings.authToken, token);
      assert.ok(!JSON.stringify(describeSettings(loaded)).includes(token));
      assert.equal(describeSettings(loaded).find(({ key }) => key === 'authToken')?.value, '(set)');
    }
  });

  test('do not come from the settings file, or with less than 16 characters; the message does not repeat them', () => {
    refuses(
      { flags: { settingsFile: write('secret.json', { authToken: token }) } },
      'INVALID_SETTING',
      /does not belong/,
    );
    refuses({ env: { STREAMSOCIAL_AUTH_TOKEN: 'tooshort' } }, 'INVALID_SETTING', /^(?!.*tooshort)/);
    refuses(
      { env: { STREAMSOCIAL_AUTH_TOKEN_FILE: 'gone' } },
      'SETTINGS_FILE_UNREADABLE',
      /STREAMSOCIAL_AUTH_TOKEN_FILE/,
    );
  });
});

test('every option that is offered is understood, and only those are picked from a command', () => {
  const names = settingOptions().map(({ flag }) => flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()));
  const given = Object.fromEntries([...names, 'settingsFile', 'json', 'topic'].map((name) => [name, 'x']));
  assert.deepEqual(Object.keys(settingFlags(given)).sort(), [...names, 'settingsFile'].sort());
  assert.ok(settingOptions().some(({ usage }) => usage === '-b, --bootstrap <value>'));
  assert.ok(!names.includes('authToken'));
});

test('loopback addresses', () => {
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '::1']) assert.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.evil.example', 'example.org'])
    assert.ok(!isLoopback(host), host);
});

test('the nearest name, when there is a near one', () => {
  assert.equal(nearest('redishost', ['redisHost', 'redisPort']), 'redisHost');
  assert.equal(nearest('zzzzzz', ['redisHost', 'redisPort']), null);
});

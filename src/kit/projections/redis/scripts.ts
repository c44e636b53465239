/**
 * The store's transactions beside `apply-script.ts`: Redis runs a script alone and applies all of it or, where it answers
 * before its first write, nothing. Each therefore reads and decides first, then writes. Needs Redis 6.2 (ZMSCORE).
 */
import { script } from '../../stores/redis.ts';

/**
 * KEYS state, seen, parked, clearing, partitions. ARGV topic:partition. Answers { epoch, next, parked } | 'clearing'.
 * Epochs start at the server's time in ms, so that an owner from before a loss of data never equals one after it.
 */
export const CLAIM = script(`
if redis.call('EXISTS', KEYS[4]) == 1 then return 'clearing' end
if redis.call('HEXISTS', KEYS[1], 'epoch') == 0 then
  local time = redis.call('TIME')
  redis.call('HSET', KEYS[1], 'epoch', string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)))
end
redis.call('SADD', KEYS[5], ARGV[1])
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
return { string.format('%.0f', epoch), redis.call('HGET', KEYS[1], 'next'), redis.call('HVALS', KEYS[3]) }
`);

/**
 * Clearing goes by steps, so that others are not kept waiting: BEGIN sets a marker, under which nobody claims or applies;
 * PAGE deletes; END forgets the states and removes the marker. Who finds a marker that was left behind takes its token and
 * clears from the start; who finds that his token is gone has been overtaken by one who finished.
 *
 * KEYS clearing. ARGV token. Answers the token to go on with.
 */
export const CLEAR_BEGIN = script(`
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
`);

/** KEYS clearing. ARGV token, cursor, pattern of documents. Answers the next cursor, '0' at the end. */
export const CLEAR_PAGE = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return '0' end
local page = redis.call('SCAN', ARGV[2], 'MATCH', ARGV[3], 'COUNT', 1000, 'TYPE', 'hash')
if #page[2] > 0 then redis.call('UNLINK', unpack(page[2])) end
return page[1]
`);

/** KEYS clearing, partitions. ARGV token, prefixes of state, seen and parked keys. */
export const CLEAR_END = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return end
for _, partition in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  redis.call('HDEL', ARGV[2] .. partition, 'next', 'applied', 'duplicates', 'dead')
  redis.call('UNLINK', ARGV[3] .. partition, ARGV[4] .. partition)
end
redis.call('DEL', KEYS[1])
`);

/** KEYS documents. Answers their fields and values as JSON, `{}` where there is none: a fifth of the time of as many HGETALL. */
export const READ_MANY = script(`
local documents = {}
for i, key in ipairs(KEYS) do documents[i] = redis.call('HGETALL', key) end
return cjson.encode(documents)
`);

/**
 * The store's transactions: Redis runs a script alone and applies all of it or, where it answers before its first write,
 * nothing. Each therefore reads and decides first, then writes. Needs Redis 6.2 (ZMSCORE).
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
 * KEYS state, seen, parked, clearing. ARGV document prefix, epoch, expect ('' for none), next, dead, now, end of the window,
 * ids kept at most, batch as JSON: { effects: [[id | false, [key, field, value, ...], ...], ...], park: [offset, record, ...], unpark: [offset, ...] }.
 * Answers { 'ok', indexes of duplicates } | { 'fenced', epoch } | { 'mismatch', next } | { 'invalid', key, field } | { 'clearing' }.
 */
export const APPLY = script(`
local CHUNK = 4000  -- Lua's stack holds 8,000 values for unpack
local EXACT = 9007199254740991
local prefix, now, window_end, max_ids = ARGV[1], ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])

if redis.call('EXISTS', KEYS[4]) == 1 then return { 'clearing' } end
local state = redis.call('HMGET', KEYS[1], 'epoch', 'next')
if state[1] ~= ARGV[2] then return { 'fenced', state[1] or '0' } end
if (state[2] or '') ~= ARGV[3] then return { 'mismatch', state[2] or '' } end

local function in_chunks(list, call)
  for from = 1, #list, CHUNK do call(from, math.min(from + CHUNK - 1, #list)) end
end

-- Bytes, one by one: '<' on Lua's strings follows the locale of the server.
local function greater(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x > y end
  end
  return #a > #b
end

local function merge(fields, name, value)
  local old = fields[name]
  if old == nil then fields[name] = value
  elseif type(old) ~= type(value) then return false
  elseif type(value) == 'number' then
    local sum = old + value
    if sum > EXACT or sum < -EXACT then return false end
    fields[name] = sum
  elseif greater(value, old) then fields[name] = value end
  return true
end

local batch = cjson.decode(ARGV[9])

local ids = {}
for _, effect in ipairs(batch.effects) do
  if effect[1] then ids[#ids + 1] = effect[1] end
end
local seen = {}
in_chunks(ids, function(from, to)
  for i, score in ipairs(redis.call('ZMSCORE', KEYS[2], unpack(ids, from, to))) do
    if score and tonumber(score) > window_end then seen[ids[from + i - 1]] = true end
  end
end)

local duplicates, fresh, changes = {}, {}, {}
for i, effect in ipairs(batch.effects) do
  local id = effect[1]
  if id and seen[id] then
    duplicates[#duplicates + 1] = i
  else
    if id then
      seen[id] = true
      fresh[#fresh + 1] = now
      fresh[#fresh + 1] = id
    end
    for d = 2, #effect do
      local delta = effect[d]
      local fields = changes[delta[1]]
      if not fields then fields = {}; changes[delta[1]] = fields end
      for f = 2, #delta, 2 do
        if not merge(fields, delta[f], delta[f + 1]) then return { 'invalid', delta[1], delta[f] } end
      end
    end
  end
end

local writes = {}
for key, fields in pairs(changes) do
  local names, values, refused = {}, {}, nil
  for name in pairs(fields) do names[#names + 1] = name end
  in_chunks(names, function(from, to)
    for i, stored in ipairs(redis.call('HMGET', prefix .. key, unpack(names, from, to))) do
      local name = names[from + i - 1]
      if stored and stored:find('^-?%d+$') then stored = tonumber(stored) end
      if stored and not merge(fields, name, stored) then refused = name end
    end
  end)
  if refused then return { 'invalid', key, refused } end
  for _, name in ipairs(names) do
    local value = fields[name]
    values[#values + 1] = name
    values[#values + 1] = type(value) == 'number' and string.format('%.0f', value) or value
  end
  writes[prefix .. key] = values
end

-- Nothing is written above this line.
for key, values in pairs(writes) do
  in_chunks(values, function(from, to) redis.call('HSET', key, unpack(values, from, to)) end)
end
in_chunks(fresh, function(from, to) redis.call('ZADD', KEYS[2], unpack(fresh, from, to)) end)
local surplus = math.max(redis.call('ZCOUNT', KEYS[2], '-inf', ARGV[7]), redis.call('ZCARD', KEYS[2]) - max_ids)
surplus = math.min(surplus, #fresh + 100)  -- two values per id: twice the batch's ids
if surplus > 0 then redis.call('ZREMRANGEBYRANK', KEYS[2], 0, surplus - 1) end
in_chunks(batch.unpark, function(from, to) redis.call('HDEL', KEYS[3], unpack(batch.unpark, from, to)) end)
in_chunks(batch.park, function(from, to) redis.call('HSET', KEYS[3], unpack(batch.park, from, to)) end)
redis.call('HSET', KEYS[1], 'next', ARGV[4])
redis.call('HINCRBY', KEYS[1], 'applied', #batch.effects - #duplicates)
redis.call('HINCRBY', KEYS[1], 'duplicates', #duplicates)
redis.call('HINCRBY', KEYS[1], 'dead', ARGV[5])
return { 'ok', duplicates }
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

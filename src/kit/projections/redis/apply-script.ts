import { script } from '../../stores/redis.ts';

/**
 * One transaction. It reads and decides first, then writes, so that whatever it refuses has changed nothing.
 *
 * A document's field '' tells its shape (`keep 500`, `top 100`, `period`, `period top 100`; plain documents have none). One of
 * `keep N` may have up to 2 N fields more than '': those beyond the N greatest are no part of it.
 *
 * KEYS state, seen, parked, clearing. ARGV document prefix, epoch, expect ('' for none), next, dead, now, end of the window,
 * ids kept at most, documents changed by `each` at most, a key to sort in,
 * batch as JSON: { heads: [{ key, shape, keep, period, capacity }, ...], effects: [[id | false, delta, ...], ...],
 * park: [offset, record, ...], unpark: [offset, ...] }.
 * A plain delta of a plain document is [key, field, value, ...], of another [index of its head, field, value, ...], or
 * [index, item, by] where the head has a capacity. Any other delta is
 * { key, shape, fields: [field, value, ...], keep, period, item, by, capacity, fieldsOf, atMost, moreThan, from, each }.
 * Answers { 'ok', indexes of duplicates } | { 'fenced', epoch } | { 'mismatch', next } | { 'clearing' }
 * | { 'invalid', key, field, '' for the shape } | { 'wide', document of `each` }.
 */
export const APPLY = script(`
local CHUNK = 4000  -- Lua's stack holds 8,000 values for unpack
local EXACT = 9007199254740991
local prefix, now, window_end, max_ids = ARGV[1], ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
local max_each, sort_key = tonumber(ARGV[9]), ARGV[10]
local call, byte = redis.call, string.byte

if call('EXISTS', KEYS[4]) == 1 then return { 'clearing' } end
local state = call('HMGET', KEYS[1], 'epoch', 'next')
if state[1] ~= ARGV[2] then return { 'fenced', state[1] or '0' } end
if (state[2] or '') ~= ARGV[3] then return { 'mismatch', state[2] or '' } end

local function in_chunks(list, work)
  for from = 1, #list, CHUNK do work(from, math.min(from + CHUNK - 1, #list)) end
end

local function refuse(key, field) error({ refusal = { 'invalid', key, field } }) end

-- By bytes, eight at a time: '<' on Lua's strings follows the locale of the server.
local function greater(a, b)
  for i = 1, math.min(#a, #b) + 1, 8 do
    local a1, a2, a3, a4, a5, a6, a7, a8 = byte(a, i, i + 7)
    local b1, b2, b3, b4, b5, b6, b7, b8 = byte(b, i, i + 7)
    if a1 ~= b1 then return (a1 or -1) > (b1 or -1) end
    if a2 ~= b2 then return (a2 or -1) > (b2 or -1) end
    if a3 ~= b3 then return (a3 or -1) > (b3 or -1) end
    if a4 ~= b4 then return (a4 or -1) > (b4 or -1) end
    if a5 ~= b5 then return (a5 or -1) > (b5 or -1) end
    if a6 ~= b6 then return (a6 or -1) > (b6 or -1) end
    if a7 ~= b7 then return (a7 or -1) > (b7 or -1) end
    if a8 ~= b8 then return (a8 or -1) > (b8 or -1) end
  end
  return false
end

local function is_number(text) return text:find('^-?%d+$') ~= nil end

local function merge(fields, key, name, value)
  local old = fields[name]
  if old == nil then fields[name] = value
  elseif type(old) ~= type(value) then refuse(key, name)
  elseif type(value) == 'number' then
    local sum = old + value
    if sum > EXACT or sum < -EXACT then refuse(key, name) end
    fields[name] = sum
  elseif greater(value, old) then fields[name] = value end
end

local function merge_stored(fields, key, name, text)
  if is_number(text) then merge(fields, key, name, tonumber(text)) else merge(fields, key, name, text) end
end

-- The fields beyond the greatest 'keep'. SORT with STORE compares bytes; a zero byte in a value is escaped to keep their order.
local function beyond(fields, count, keep)
  local members, name_of = {}, {}
  for name, value in pairs(fields) do
    if value:find('%z') then value = value:gsub('%z', '\\0\\1') end
    local member = value .. '\\0\\0' .. name
    members[#members + 1] = member
    name_of[member] = name
  end
  in_chunks(members, function(from, to) call('RPUSH', sort_key, unpack(members, from, to)) end)
  call('SORT', sort_key, 'ALPHA', 'LIMIT', 0, count - keep, 'STORE', sort_key)
  local names = {}
  for i, member in ipairs(call('LRANGE', sort_key, 0, -1)) do names[i] = name_of[member] end
  call('DEL', sort_key)
  return names
end

local function keep_of(shape) return tonumber(shape:match('^keep (%d+)$')) end

-- Texts by field, number of fields, shape.
local function load(key)
  local flat, fields, shape = call('HGETALL', prefix .. key), {}, ''
  for i = 1, #flat, 2 do
    if flat[i] == '' then shape = flat[i + 1] else fields[flat[i]] = flat[i + 1] end
  end
  return fields, #flat / 2 - (shape == '' and 0 or 1), shape
end

-- Space-Saving; see space-saving.ts. Sets the texts of what is counted, and changed[field] to whether it is still there.
local function less(a, b)
  if a.seen == b.seen then return greater(b.item, a.item) end
  return a.seen < b.seen
end

local function sift_down(heap, at)
  local moving, size = heap[at], #heap
  while 2 * at <= size do
    local child = 2 * at
    if child < size and less(heap[child + 1], heap[child]) then child = child + 1 end
    if not less(heap[child], moving) then break end
    heap[at] = heap[child]
    at = child
  end
  heap[at] = moving
end

local function count_into(fields, key, capacity, counts, changed)
  local items, size, heap = {}, 0, nil
  for name, text in pairs(fields) do
    local count, err = text:match('^(%d+) (%d+)$')
    if count and name:sub(1, 4) == 'top/' then
      items[name] = { item = name, count = tonumber(count), err = tonumber(err) }
      size = size + 1
    end
  end
  for i = 1, #counts, 2 do
    local name = 'top/' .. counts[i]
    local counter = items[name]
    if not counter then
      counter = { item = name, count = 0, err = 0 }
      if size < capacity then
        size = size + 1
      else
        if not heap then
          heap = {}
          for _, one in pairs(items) do
            one.seen = one.count
            heap[#heap + 1] = one
          end
          for at = math.floor(size / 2), 1, -1 do sift_down(heap, at) end
        end
        while heap[1].seen ~= heap[1].count do
          heap[1].seen = heap[1].count
          sift_down(heap, 1)
        end
        local least = heap[1]
        items[least.item] = nil
        changed[least.item] = false
        counter.count, counter.err, counter.seen = least.count, least.count, least.count
        heap[1] = counter
      end
      items[name] = counter
    end
    counter.count = counter.count + counts[i + 1]
    if counter.count > EXACT then refuse(key, name) end
    changed[name] = true
  end
  for name, stays in pairs(changed) do
    local counter = items[name]
    if not stays then fields[name] = nil
    elseif counter then fields[name] = string.format('%.0f %.0f', counter.count, counter.err) end
  end
end

local changes = {}  -- what is to be written: key -> { shape, fields, keep, period, capacity, counts }
local views = {}  -- documents as they were asked for: key -> { count, fields, texts }

-- The document with its change, counters as texts or numbers.
local function merged(key, change)
  local fields, count, shape = load(key)
  if count > 0 and shape ~= change.shape then refuse(key, '') end
  if change.period and fields.period ~= change.period then
    if fields.period and greater(fields.period, change.period) then return fields end
    fields = { period = change.period }
  end
  for name, value in pairs(change.fields) do
    local both = { [name] = value }
    if fields[name] then merge_stored(both, key, name, fields[name]) end
    fields[name] = both[name]
  end
  if change.counts then count_into(fields, key, change.capacity, change.counts, {}) end
  return fields
end

local function count_fields(key)
  local view = views[key]
  if view then return view.count end
  local change, count = changes[key], nil
  if change and change.shape ~= '' and not change.keep then
    count = 0
    for _ in pairs(merged(key, change)) do count = count + 1 end
  else
    local shape = call('HGET', prefix .. key, '') or ''
    count = call('HLEN', prefix .. key) - (shape == '' and 0 or 1)
    local keep = keep_of(shape)
    if change then
      keep = change.keep
      local names = {}
      for name in pairs(change.fields) do names[#names + 1] = name end
      in_chunks(names, function(from, to)
        for _, stored in ipairs(call('HMGET', prefix .. key, unpack(names, from, to))) do
          if not stored then count = count + 1 end
        end
      end)
    end
    if keep then count = math.min(count, keep) end
  end
  views[key] = { count = count }
  return count
end

local function read(key)
  local view = views[key]
  if view and view.fields then return view end
  local change, fields, count, shape = changes[key], nil, nil, nil
  if change then
    fields, count, shape = merged(key, change), 0, change.shape
    for _ in pairs(fields) do count = count + 1 end
  else
    fields, count, shape = load(key)
  end
  local keep = keep_of(shape)
  if keep and count > keep then
    for _, name in ipairs(beyond(fields, count, keep)) do fields[name] = nil end
    count = keep
  end
  view = { count = count, fields = fields }
  views[key] = view
  return view
end

local function texts_of(key)
  local view = read(key)
  if not view.texts then
    view.texts = {}
    for name, value in pairs(view.fields) do
      if type(value) == 'string' and not is_number(value) then
        view.texts[#view.texts + 1] = name
        view.texts[#view.texts + 1] = value
      end
    end
  end
  return view.texts
end

local function change_for(key, shape)
  local change = changes[key]
  if not change then
    change = { shape = shape, fields = {} }
    changes[key] = change
  elseif change.shape ~= shape then refuse(key, '') end
  return change
end

local function merge_list(fields, key, list)
  for i = 1, #list, 2 do merge(fields, key, list[i], list[i + 1]) end
end

local function add(key, delta, texts)
  if #delta.fields == 0 and not delta.item and (not texts or #texts == 0) then return end
  local change = change_for(key, delta.shape)
  views[key] = nil
  change.keep, change.capacity = delta.keep, delta.capacity
  if delta.period ~= change.period then
    if change.period and greater(change.period, delta.period) then return end
    change.period, change.fields, change.counts = delta.period, {}, nil
  end
  merge_list(change.fields, key, delta.fields)
  if texts then merge_list(change.fields, key, texts) end
  if delta.item then
    change.counts = change.counts or {}
    change.counts[#change.counts + 1] = delta.item
    change.counts[#change.counts + 1] = delta.by
  end
end

-- What many deltas of a batch have in common is sent, and looked up, once.
local function add_plain(head, delta)
  local change = head.change
  if not change then
    change = change_for(head.key, head.shape)
    change.keep, change.capacity = head.keep, head.capacity
    head.change = change
  end
  if head.period ~= change.period then
    if change.period and greater(change.period, head.period) then return end
    change.period, change.fields, change.counts = head.period, {}, nil
  end
  if head.capacity then
    local counts = change.counts or {}
    change.counts = counts
    counts[#counts + 1] = delta[2]
    counts[#counts + 1] = delta[3]
  else
    for f = 2, #delta, 2 do merge(change.fields, head.key, delta[f], delta[f + 1]) end
  end
end

local changed_by_each = 0
local function add_dependent(delta)
  if delta.fieldsOf then
    local count = count_fields(delta.fieldsOf)
    if delta.atMost and count > delta.atMost or delta.moreThan and count <= delta.moreThan then return end
  end
  local texts = delta.from and texts_of(delta.from)
  if not delta.each then return add(delta.key, delta, texts) end
  local view = read(delta.each)
  changed_by_each = changed_by_each + view.count
  if changed_by_each > max_each then error({ refusal = { 'wide', delta.each } }) end
  for name in pairs(view.fields) do add(delta.key .. name, delta, texts) end
end

local batch = cjson.decode(ARGV[11])

local ids = {}
for _, effect in ipairs(batch.effects) do
  if effect[1] then ids[#ids + 1] = effect[1] end
end
local seen = {}
in_chunks(ids, function(from, to)
  for i, score in ipairs(call('ZMSCORE', KEYS[2], unpack(ids, from, to))) do
    if score and tonumber(score) > window_end then seen[ids[from + i - 1]] = true end
  end
end)

local duplicates, fresh, dependent = {}, {}, {}

local function collect()
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
        local key = delta[1]
        if type(key) == 'number' then
          add_plain(batch.heads[key], delta)
        elseif key then
          local fields = change_for(key, '').fields
          for f = 2, #delta, 2 do merge(fields, key, delta[f], delta[f + 1]) end
        else
          dependent[#dependent + 1] = delta
        end
      end
    end
  end
  for _, delta in ipairs(dependent) do add_dependent(delta) end
end

-- Documents to write: { key, fields and values to set, fields to delete, to be deleted before, fields to keep }.
local writes = {}

local function text_of(value) return type(value) == 'number' and string.format('%.0f', value) or value end

-- Plain, or of 'keep': only the fields that change are read.
local function decide_fields(key, change)
  local fields, keep, names, values = change.fields, change.keep, { '' }, {}
  for name in pairs(fields) do names[#names + 1] = name end
  in_chunks(names, function(from, to)
    for i, stored in ipairs(call('HMGET', prefix .. key, unpack(names, from, to))) do
      local name = names[from + i - 1]
      if name == '' then
        if (stored or '') ~= change.shape then
          if stored or call('EXISTS', prefix .. key) == 1 then refuse(key, '') end
          values[1], values[2] = '', change.shape
        end
      elseif not keep then
        if stored then merge_stored(fields, key, name, stored) end
        values[#values + 1] = name
        values[#values + 1] = text_of(fields[name])
      elseif not stored or greater(fields[name], stored) then
        values[#values + 1] = name
        values[#values + 1] = fields[name]
      end
    end
  end)
  if #values > 0 then writes[#writes + 1] = { prefix .. key, values, nil, false, keep } end
end

-- Of one period, or counting: only the fields that change are read, unless items that are counted have to give way to others.
local function decide_parts(key, change)
  local names, counted = { '', 'period' }, {}
  for name in pairs(change.fields) do names[#names + 1] = name end
  for i = 1, #(change.counts or {}), 2 do
    local name = 'top/' .. change.counts[i]
    if not counted[name] then names[#names + 1] = name end
    counted[name] = true
  end
  local fields = {}
  in_chunks(names, function(from, to)
    for i, stored in ipairs(call('HMGET', prefix .. key, unpack(names, from, to))) do
      if stored then fields[names[from + i - 1]] = stored end
    end
  end)
  if fields[''] ~= change.shape and (fields[''] or call('EXISTS', prefix .. key) == 1) then refuse(key, '') end
  fields[''] = nil

  local changed, anew = {}, false
  if change.period and fields.period ~= change.period then
    if fields.period and greater(fields.period, change.period) then return end
    anew = fields.period ~= nil
    fields = { period = change.period }
    changed.period = true
  end
  for name, value in pairs(change.fields) do
    local both = { [name] = value }
    if fields[name] then merge_stored(both, key, name, fields[name]) end
    fields[name] = both[name]
    changed[name] = true
  end
  if change.counts then
    local unknown = 0
    for name in pairs(counted) do
      if not fields[name] then unknown = unknown + 1 end
    end
    local others = change.period and 2 or 1
    if not changed.period and call('HLEN', prefix .. key) - others + unknown > change.capacity then fields = load(key) end
    count_into(fields, key, change.capacity, change.counts, changed)
  end

  local values, gone = { '', change.shape }, {}
  for name, stays in pairs(changed) do
    if stays then
      values[#values + 1] = name
      values[#values + 1] = text_of(fields[name])
    elseif not anew then
      gone[#gone + 1] = name
    end
  end
  if #values > 2 then writes[#writes + 1] = { prefix .. key, values, gone, anew, nil } end
end

local function decide()
  collect()
  for key, change in pairs(changes) do
    if change.shape == '' or change.keep then decide_fields(key, change) else decide_parts(key, change) end
  end
end

local decided, failure = pcall(decide)
if not decided then
  if type(failure) == 'table' and failure.refusal then return failure.refusal end
  error(failure)
end

-- No document is written above this line.
for _, write in ipairs(writes) do
  local key, values, gone, anew, keep = write[1], write[2], write[3], write[4], write[5]
  if anew then call('DEL', key) end
  if gone then in_chunks(gone, function(from, to) call('HDEL', key, unpack(gone, from, to)) end) end
  if #values <= CHUNK then call('HSET', key, unpack(values))
  else in_chunks(values, function(from, to) call('HSET', key, unpack(values, from, to)) end) end
  if keep and call('HLEN', key) - 1 > 2 * keep then
    local fields, count = load(key:sub(#prefix + 1))
    local names = beyond(fields, count, keep)
    in_chunks(names, function(from, to) call('HDEL', key, unpack(names, from, to)) end)
  end
end
in_chunks(fresh, function(from, to) call('ZADD', KEYS[2], unpack(fresh, from, to)) end)
local surplus = math.max(call('ZCOUNT', KEYS[2], '-inf', ARGV[7]), call('ZCARD', KEYS[2]) - max_ids)
surplus = math.min(surplus, #fresh + 100)  -- two values per id: twice the batch's ids
if surplus > 0 then call('ZREMRANGEBYRANK', KEYS[2], 0, surplus - 1) end
in_chunks(batch.unpark, function(from, to) call('HDEL', KEYS[3], unpack(batch.unpark, from, to)) end)
in_chunks(batch.park, function(from, to) call('HSET', KEYS[3], unpack(batch.park, from, to)) end)
call('HSET', KEYS[1], 'next', ARGV[4])
call('HINCRBY', KEYS[1], 'applied', #batch.effects - #duplicates)
call('HINCRBY', KEYS[1], 'duplicates', #duplicates)
call('HINCRBY', KEYS[1], 'dead', ARGV[5])
return { 'ok', duplicates }
`);

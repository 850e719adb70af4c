-- SPDX-License-Identifier: ISC
--
-- Wireshark's view of what `simblk run --trace-pcapng FILE` has written: the ring in the words of
-- blkif.h, a request linked with its response, XenStore, grants, event channels, the application's
-- calls, the scenario's steps; a rule that was broken, and a verdict that is no pass, as expert
-- information. docs/trace-pcapng.md says what a packet holds.
--
--     wireshark -X lua_script:simblk.lua FILE

local VERSION = 1
local HEAD = 48 -- bytes before a packet's path and value

local simblk = Proto("simblk", "simblk, a block frontend under test")
local blkif = Proto("blkif", "Xen block interface")

-- ---- names ----

local RESULTS = {
    [0] = "ok", [-1] = "no-memory", [-2] = "no-entry", [-3] = "again", [-4] = "denied",
    [-5] = "too-long", [-6] = "exists", [-7] = "invalid", [-8] = "io", [-9] = "busy",
    [-10] = "deferred", [-11] = "timed-out",
}
local OUTCOMES = {
    [0] = "ok", [-1] = "unimplemented", [-2] = "disconnected", [-3] = "read-only",
    [-4] = "io-error", [-5] = "invalid", [-6] = "no-device", [-7] = "ambiguous",
    [-8] = "out-of-range", [-9] = "no-memory", [-10] = "protocol-error", [-11] = "deadline",
    [-12] = "store-error",
}
local STATES = {
    [0] = "XenbusStateUnknown", "XenbusStateInitialising", "XenbusStateInitWait",
    "XenbusStateInitialised", "XenbusStateConnected", "XenbusStateClosing", "XenbusStateClosed",
    "XenbusStateReconfiguring", "XenbusStateReconfigured",
}
local DEVICE_STATES = {
    [0] = "connecting", "connected", "recovering", "disconnecting", "closed", "failed",
}
local WORDS = { [0] = "req_prod", "req_event", "rsp_prod", "rsp_event" }
local CALLS = { [0] = "read", "write", "flush", "discard" }
local OPERATIONS = {
    [0] = "BLKIF_OP_READ", "BLKIF_OP_WRITE", "BLKIF_OP_WRITE_BARRIER", "BLKIF_OP_FLUSH_DISKCACHE",
    "BLKIF_OP_RESERVED_1", "BLKIF_OP_DISCARD", "BLKIF_OP_INDIRECT",
}
local STATUSES = { [0] = "BLKIF_RSP_OKAY", [-1] = "BLKIF_RSP_ERROR", [-2] = "BLKIF_RSP_EOPNOTSUPP" }
local DISCARD, INDIRECT = 5, 6
local NOBODY = 0xffff -- simblk itself speaks

-- ---- fields ----

local f = {
    version = ProtoField.uint8("simblk.version", "Version"),
    kind = ProtoField.string("simblk.kind", "Kind"),
    domid = ProtoField.uint16("simblk.domid", "Domain", base.DEC, { [NOBODY] = "simblk itself" }),
    peer = ProtoField.uint16("simblk.peer", "Other domain"),
    device = ProtoField.uint16("simblk.device", "Device"),
    queue = ProtoField.uint16("simblk.queue", "Queue"),
    result = ProtoField.int32("simblk.result", "Result", base.DEC, RESULTS),
    outcome = ProtoField.int32("simblk.outcome", "Result of the call", base.DEC, OUTCOMES),
    ref = ProtoField.uint64("simblk.gref", "Grant reference"),
    page = ProtoField.uint64("simblk.page", "Page"),
    count = ProtoField.uint64("simblk.pages", "Pages"),
    writable = ProtoField.uint64("simblk.writable", "Writable"),
    port = ProtoField.uint64("simblk.port", "Event channel port"),
    remote = ProtoField.uint64("simblk.remote_port", "Port of the other end"),
    path = ProtoField.string("simblk.path", "Path"),
    value = ProtoField.string("simblk.value", "Value"),
    state = ProtoField.uint64("simblk.state", "State", base.DEC, STATES),
    old_state = ProtoField.uint64("simblk.old_state", "State before", base.DEC, STATES),
    transaction = ProtoField.uint64("simblk.transaction", "Transaction"),
    commit = ProtoField.uint64("simblk.commit", "Committed"),
    token = ProtoField.uint64("simblk.token", "Token"),
    order = ProtoField.uint64("simblk.ring_page_order", "Ring page order"),
    word = ProtoField.uint64("simblk.ring_word", "Index", base.DEC, WORDS),
    new = ProtoField.uint64("simblk.new", "New value"),
    old = ProtoField.uint64("simblk.old", "Old value"),
    call = ProtoField.string("simblk.call", "Call"),
    argument = ProtoField.uint64("simblk.argument", "Argument"),
    request = ProtoField.uint64("simblk.request", "Request of the application"),
    operation = ProtoField.int32("simblk.operation", "Operation", base.DEC, CALLS),
    sector = ProtoField.uint64("simblk.sector", "Sector"),
    sectors = ProtoField.uint64("simblk.sectors", "Sectors"),
    device_state = ProtoField.uint64("simblk.device_state", "State of the device", base.DEC,
        DEVICE_STATES),
    life = ProtoField.string("simblk.backend_life", "The backend's life"),
    fault = ProtoField.string("simblk.fault", "Fault"),
    fault_id = ProtoField.uint64("simblk.fault_id", "Of the request with the id", base.HEX),
    fault_rule = ProtoField.uint64("simblk.fault_rule", "Number of the fault's rule"),
    fault_n = ProtoField.uint64("simblk.fault_n", "n"),
    first = ProtoField.uint64("simblk.first_512", "First unit of 512 bytes"),
    length = ProtoField.uint64("simblk.count_512", "Units of 512 bytes"),
    step = ProtoField.uint64("simblk.step", "Step"),
    line = ProtoField.uint64("simblk.line", "Line of the file"),
    text = ProtoField.string("simblk.text", "Text"),
    log = ProtoField.string("simblk.log", "Log"),
    scenario = ProtoField.string("simblk.scenario", "Scenario"),
    title = ProtoField.string("simblk.title", "Title"),
    repetition = ProtoField.uint64("simblk.repetition", "Runs before it"),
    verdict = ProtoField.string("simblk.verdict", "Verdict"),
    exit_code = ProtoField.int32("simblk.exit_code", "Exit code"),
    rule = ProtoField.uint64("simblk.rule", "Rule"),
    should = ProtoField.uint64("simblk.should", "As a SHOULD"),
    reason = ProtoField.string("simblk.reason", "Reason"),
    broken_in = ProtoField.framenum("simblk.broken_in", "Breaks a rule: see"),
    broken_by = ProtoField.framenum("simblk.broken_by", "Broken by the event before, in"),
}

local b = {
    index = ProtoField.uint64("blkif.index", "Index in the ring"),
    operation = ProtoField.uint8("blkif.operation", "operation", base.DEC, OPERATIONS),
    nr_segments = ProtoField.uint16("blkif.nr_segments", "nr_segments"),
    handle = ProtoField.uint16("blkif.handle", "handle"),
    id = ProtoField.uint64("blkif.id", "id", base.HEX),
    sector_number = ProtoField.uint64("blkif.sector_number", "sector_number"),
    seg = ProtoField.none("blkif.seg", "seg"),
    gref = ProtoField.uint32("blkif.seg.gref", "gref"),
    first_sect = ProtoField.uint8("blkif.seg.first_sect", "first_sect"),
    last_sect = ProtoField.uint8("blkif.seg.last_sect", "last_sect"),
    flag = ProtoField.uint8("blkif.flag", "flag", base.HEX),
    nr_sectors = ProtoField.uint64("blkif.nr_sectors", "nr_sectors"),
    indirect_op = ProtoField.uint8("blkif.indirect_op", "indirect_op", base.DEC, OPERATIONS),
    indirect_grefs = ProtoField.uint32("blkif.indirect_grefs", "indirect_grefs"),
    status = ProtoField.int16("blkif.status", "status", base.DEC, STATUSES),
    response_in = ProtoField.framenum("blkif.response_in", "Response in", base.NONE,
        frametype.RESPONSE),
    response_to = ProtoField.framenum("blkif.response_to", "Request in", base.NONE,
        frametype.REQUEST),
    time = ProtoField.relative_time("blkif.time", "Time from the request"),
}

local function list(fields)
    local out = {}
    for _, field in pairs(fields) do
        out[#out + 1] = field
    end
    return out
end
simblk.fields = list(f)
blkif.fields = list(b)

local broken = ProtoExpert.new("simblk.broken", "A rule is broken", expert.group.PROTOCOL,
    expert.severity.ERROR)
local broken_should = ProtoExpert.new("simblk.broken_should", "What should be so is not",
    expert.group.PROTOCOL, expert.severity.WARN)
local not_passed = ProtoExpert.new("simblk.not_passed", "The scenario does not pass",
    expert.group.PROTOCOL, expert.severity.ERROR)
local unknown = ProtoExpert.new("simblk.unknown", "Not known to this dissector",
    expert.group.UNDECODED, expert.severity.WARN)
simblk.experts = { broken, broken_should, not_passed, unknown }

local unanswered = ProtoExpert.new("blkif.unanswered", "No response to it in this run",
    expert.group.SEQUENCE, expert.severity.NOTE)
local unasked = ProtoExpert.new("blkif.unasked", "A response to no request that is in flight",
    expert.group.SEQUENCE, expert.severity.WARN)
local failed = ProtoExpert.new("blkif.failed", "The backend answers with an error",
    expert.group.RESPONSE_CODE, expert.severity.NOTE)
blkif.experts = { unanswered, unasked, failed }

-- ---- what is remembered of a file, by the numbers of its packets ----

local run, in_flight          -- while it is read for the first time
local asked, answered         -- of a response the request's packet, and the other way round
local seconds                 -- when those were
local breaking                -- of a packet that of the broken rule behind it

function simblk.init()
    run = 0
    in_flight = {}
    asked, answered, seconds, breaking = {}, {}, {}, {}
end

local function ring_of(packet)
    return run .. "/" .. packet.device .. "/" .. packet.queue
end

local function note_request(packet, id)
    local ring = ring_of(packet)
    in_flight[ring] = in_flight[ring] or {}
    in_flight[ring][id] = in_flight[ring][id] or {}
    table.insert(in_flight[ring][id], packet.number)
    seconds[packet.number] = packet.seconds
end

-- Of several with one id the oldest.
local function note_response(packet, id)
    local waiting = (in_flight[ring_of(packet)] or {})[id]
    local request = waiting and table.remove(waiting, 1)
    seconds[packet.number] = packet.seconds
    if request then
        asked[packet.number] = request
        answered[request] = packet.number
    end
end

local function time_between(request, response)
    local time = seconds[response] - seconds[request]
    local whole = math.floor(time)
    return NSTime.new(whole, math.floor((time - whole) * 1e9 + 0.5))
end

-- ---- the ring ----

local function named(names, number)
    return names[number] or tostring(number)
end

local function add_segments(tree, slot, at, count)
    for i = 0, math.min(count, 11) - 1 do
        local range = slot(at + 8 * i, 8)
        local branch = tree:add(b.seg, range)
        branch:set_text("seg[" .. i .. "]")
        branch:add_le(b.gref, range(0, 4))
        branch:add_le(b.first_sect, range(4, 1))
        branch:add_le(b.last_sect, range(5, 1))
    end
end

-- The slot of x86_64 has 112 bytes, that of i386 108: its id stands four bytes earlier.
local function dissect_request(slot, packet, tree)
    local id_at = slot:len() >= 112 and 8 or 4
    local operation, second = slot(0, 1):uint(), slot(1, 1):uint()
    local id = slot(id_at, 8)
    local text = named(OPERATIONS, operation)
    if not packet.visited then
        note_request(packet, id:bytes():tohex())
    end
    tree:add(b.operation, slot(0, 1))
    if operation == DISCARD then
        tree:add(b.flag, slot(1, 1))
        tree:add_le(b.handle, slot(2, 2))
        tree:add_le(b.nr_sectors, slot(id_at + 16, 8))
        text = text .. " nr_sectors=" .. slot(id_at + 16, 8):le_uint64():tonumber()
    elseif operation == INDIRECT then
        local count = slot(2, 2):le_uint()
        tree:add(b.indirect_op, slot(1, 1))
        tree:add_le(b.nr_segments, slot(2, 2))
        tree:add_le(b.handle, slot(id_at + 16, 2))
        for i = 0, math.min(math.ceil(count / 512), 8) - 1 do
            tree:add_le(b.indirect_grefs, slot(id_at + 20 + 4 * i, 4))
        end
        text = text .. " " .. named(OPERATIONS, second) .. " nr_segments=" .. count
    else
        tree:add(b.nr_segments, slot(1, 1))
        tree:add_le(b.handle, slot(2, 2))
        add_segments(tree, slot, id_at + 16, second)
        text = text .. " nr_segments=" .. second
    end
    tree:add_le(b.id, id)
    tree:add_le(b.sector_number, slot(id_at + 8, 8))
    local response = answered[packet.number]
    if response then
        tree:add(b.response_in, response):set_generated()
        tree:add(b.time, time_between(packet.number, response)):set_generated()
    elseif packet.visited then
        tree:add_proto_expert_info(unanswered)
    end
    return text .. " sector_number=" .. slot(id_at + 8, 8):le_uint64():tonumber() ..
        " id=0x" .. id:le_uint64():tohex()
end

local function dissect_response(slot, packet, tree)
    local id, status = slot(0, 8), slot(10, 2):le_int()
    if not packet.visited then
        note_response(packet, id:bytes():tohex())
    end
    tree:add_le(b.id, id)
    tree:add(b.operation, slot(8, 1))
    local item = tree:add_le(b.status, slot(10, 2))
    if status ~= 0 then
        item:add_proto_expert_info(failed, named(STATUSES, status))
    end
    local request = asked[packet.number]
    if request then
        tree:add(b.response_to, request):set_generated()
        tree:add(b.time, time_between(request, packet.number)):set_generated()
    else
        tree:add_proto_expert_info(unasked)
    end
    return named(OPERATIONS, slot(8, 1):uint()) .. " " .. named(STATUSES, status) ..
        " id=0x" .. id:le_uint64():tohex()
end

-- ---- kinds of packets: what of the head and behind it they use, and how they are told ----

local function plain(range)
    return (range:string():gsub("%z", " "):gsub("[%c]", "."))
end

local function store(name, with_value)
    return {
        name = name, path = f.path, value = with_value and f.value, a = f.transaction,
        result = f.result,
        special = function(packet, tree)
            if with_value and packet.path:match("/state$") and packet.text:match("^%d$") then
                local state = tonumber(packet.text)
                tree:add(f.state, packet.value, UInt64.new(state))
                return named(STATES, state)
            end
        end,
    }
end

local function ring(name, title, dissect, least, second)
    return {
        name = name, a = b.index, b = second,
        special = function(packet, tree)
            if packet.value:len() < least then
                tree:add_proto_expert_info(unknown, "a slot of " .. packet.value:len() .. " bytes")
                return
            end
            packet.cols.protocol = "blkif"
            local branch = packet.root:add(blkif, packet.value, title)
            branch:add_le(b.index, packet.a)
            return dissect(packet.value, packet, branch)
        end,
    }
end

local function begin_run(packet)
    if not packet.visited then
        run = run + 1
        in_flight = {}
    end
end

local function show_broken(packet, tree)
    local ef = packet.c:le_uint64():tonumber() ~= 0 and broken_should or broken
    if not packet.visited and packet.number > 1 then
        breaking[packet.number - 1] = packet.number
    end
    if packet.number > 1 then
        tree:add(f.broken_by, packet.number - 1):set_generated()
    end
    tree:add_proto_expert_info(ef, packet.text)
end

local function show_verdict(packet, tree)
    if packet.path ~= "passed" and packet.path ~= "unsupported" then
        tree:add_proto_expert_info(not_passed, packet.path .. ": " .. packet.text)
    end
end

local KINDS = {
    [1] = { name = "begin", path = f.scenario, value = f.title, a = f.repetition,
        special = begin_run },
    [2] = { name = "verdict", path = f.verdict, value = f.reason, a = f.rule, b = f.step,
        c = f.line, result = f.exit_code, special = show_verdict },
    [3] = { name = "broken rule", value = f.reason, a = f.rule, b = f.request, c = f.should,
        special = show_broken },
    [4] = { name = "step", value = f.text, a = f.step, b = f.line },
    [5] = { name = "log", path = f.log },
    [16] = { name = "grant", peer = true, a = f.ref, b = f.page, c = f.writable,
        result = f.result },
    [17] = { name = "grant-end", a = f.ref, b = f.page, result = f.result },
    [18] = { name = "map", peer = true, a = f.ref, b = f.page, c = f.writable, result = f.result },
    [19] = { name = "unmap", peer = true, a = f.ref, b = f.page, result = f.result },
    [20] = { name = "page-alloc", a = f.page, b = f.count, result = f.result },
    [21] = { name = "page-free", a = f.page, b = f.count, result = f.result },
    [32] = { name = "port-alloc", peer = true, a = f.port, result = f.result },
    [33] = { name = "port-bind", peer = true, a = f.port, b = f.remote, result = f.result },
    [34] = { name = "port-close", a = f.port },
    [35] = { name = "notify", a = f.port, b = f.remote, result = f.result },
    [36] = { name = "port-pending", a = f.port },
    [37] = { name = "port-unmask", a = f.port },
    [48] = store("store-read", true),
    [49] = store("store-write", true),
    [50] = store("store-remove", false),
    [51] = store("store-list", true),
    [52] = { name = "transaction", a = f.transaction, result = f.result },
    [53] = { name = "transaction-end", a = f.transaction, b = f.commit, result = f.result },
    [54] = { name = "watch", path = f.path, a = f.token, result = f.result },
    [55] = { name = "unwatch", path = f.path, a = f.token, result = f.result },
    [56] = { name = "watch-fired", path = f.path, a = f.token },
    [64] = { name = "ring-attach", a = f.ref, b = f.order },
    [65] = { name = "ring-detach",
        special = function(packet)
            if not packet.visited then
                in_flight[ring_of(packet)] = nil
            end
        end },
    [66] = { name = "ring-index", a = f.word, b = f.new, c = f.old },
    [67] = ring("request", "Request", dissect_request, 108, f.request),
    [68] = ring("response", "Response", dissect_response, 12),
    [80] = { name = "call", path = f.call, a = f.argument },
    [81] = { name = "return", path = f.call, result = f.outcome },
    [82] = { name = "submit", a = f.request, b = f.sector, c = f.sectors, result = f.operation },
    [83] = { name = "refused", a = f.request, result = f.outcome },
    [84] = { name = "complete", a = f.request, result = f.outcome },
    [85] = { name = "device", a = f.device_state, result = f.outcome },
    [96] = { name = "back-state", a = f.state, b = f.old_state },
    [97] = { name = "back-life", path = f.life },
    [98] = { name = "fault", path = f.fault, a = f.fault_id, b = f.fault_rule, c = f.fault_n },
    [99] = { name = "harm", a = f.fault_id, b = f.first, c = f.length },
    [100] = { name = "resumed", peer = true },
}

-- What the column Info says of numbers: names where the field has some.
local WORDY = {
    [f.state] = STATES, [f.old_state] = STATES, [f.word] = WORDS, [f.device_state] = DEVICE_STATES,
}
local SHORT = {
    [f.ref] = "gref", [f.page] = "page", [f.count] = "pages", [f.writable] = "writable",
    [f.port] = "port", [f.remote] = "remote", [f.token] = "token", [f.order] = "order",
    [f.new] = "new", [f.old] = "old", [f.request] = "request", [f.sector] = "sector",
    [f.sectors] = "sectors", [f.fault_rule] = "rule", [f.fault_n] = "n", [f.first] = "first_512",
    [f.length] = "count_512", [f.commit] = "commit", [f.step] = "step", [f.line] = "line",
}
local RESULT_WORDS = { [f.result] = RESULTS, [f.outcome] = OUTCOMES }

local function info_of(kind, packet, special)
    local info = { kind.name }
    local function put(text)
        info[#info + 1] = text
    end
    if special and packet.cols_taken then
        return kind.name .. " " .. special
    end
    if kind.path and packet.path ~= "" then put(packet.path) end
    if kind.value and packet.text ~= "" then put('"' .. packet.text .. '"') end
    if special then put("(" .. special .. ")") end
    if kind.peer then put("dom" .. packet.peer) end
    for _, member in ipairs({ "a", "b", "c" }) do
        local field = kind[member]
        local number = field and packet[member]:le_uint64():tonumber()
        if field and WORDY[field] then
            put(named(WORDY[field], number))
        elseif field and SHORT[field] then
            put(SHORT[field] .. "=" .. number)
        end
    end
    if kind.result == f.operation then
        table.insert(info, 2, named(CALLS, packet.result))
    elseif RESULT_WORDS[kind.result] then
        put("-> " .. named(RESULT_WORDS[kind.result], packet.result))
    end
    return table.concat(info, " ")
end

local function domain(number)
    return number == NOBODY and "simblk" or "dom" .. number
end

local function read_packet(tvb, pinfo, root)
    local path_length, value_length = tvb(40, 4):le_uint(), tvb(44, 4):le_uint()
    if HEAD + path_length + value_length > tvb:len() then
        return nil
    end
    local value = value_length > 0 and tvb(HEAD + path_length, value_length) or nil
    return {
        number = pinfo.number, visited = pinfo.visited, seconds = pinfo.abs_ts, cols = pinfo.cols,
        root = root, domid = tvb(2, 2):le_uint(), peer = tvb(4, 2):le_uint(),
        device = tvb(6, 2):le_uint(), queue = tvb(8, 2):le_uint(), result = tvb(12, 4):le_int(),
        a = tvb(16, 8), b = tvb(24, 8), c = tvb(32, 8),
        path_range = path_length > 0 and tvb(HEAD, path_length) or nil,
        path = path_length > 0 and plain(tvb(HEAD, path_length)) or "",
        value = value, text = value and plain(value) or "",
    }
end

local function add_fields(tree, tvb, kind, packet)
    tree:add_le(f.domid, tvb(2, 2))
    if kind.peer then tree:add_le(f.peer, tvb(4, 2)) end
    if packet.device ~= 0xffff then
        tree:add_le(f.device, tvb(6, 2))
        tree:add_le(f.queue, tvb(8, 2))
    end
    if kind.path and packet.path_range then tree:add(kind.path, packet.path_range) end
    if kind.value and packet.value then tree:add(kind.value, packet.value, packet.text) end
    for _, member in ipairs({ "a", "b", "c" }) do
        if kind[member] and kind[member] ~= b.index then
            tree:add_le(kind[member], packet[member])
        end
    end
    if kind.result then tree:add_le(kind.result, tvb(12, 4)) end
end

function simblk.dissector(tvb, pinfo, root)
    if tvb:len() < HEAD then
        return 0
    end
    local tree = root:add(simblk, tvb())
    local version, number = tvb(0, 1):uint(), tvb(1, 1):uint()
    local kind = KINDS[number]
    local packet = read_packet(tvb, pinfo, root)
    pinfo.cols.protocol = "simblk"
    tree:add(f.version, tvb(0, 1))
    if version ~= VERSION or kind == nil or packet == nil then
        tree:add_proto_expert_info(unknown, "version " .. version .. ", kind " .. number)
        return tvb:len()
    end
    tree:append_text(": " .. kind.name)
    tree:add(f.kind, tvb(1, 1), kind.name)
    add_fields(tree, tvb, kind, packet)
    pinfo.cols.src = domain(packet.domid)
    if kind.peer then pinfo.cols.dst = domain(packet.peer) end
    local special = kind.special and kind.special(packet, tree)
    packet.cols_taken = number == 67 or number == 68
    pinfo.cols.info = info_of(kind, packet, special)
    if breaking[pinfo.number] then
        tree:add(f.broken_in, breaking[pinfo.number]):set_generated()
    end
    return tvb:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER11, simblk)

#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
#
# Uses the pages that page.sh has made as people do, by keys and mouse, in a Chromium without a
# window: filters, opens a scenario, follows a request from its submit to its completion. It is
# steered through its pipe (Chrome DevTools Protocol). No wait is a guess: what is to come is looked
# for until it is there, or for WAIT seconds.
#
#     page.pl WORK_DIR

use strict;
use warnings;
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep time);

use constant WAIT => 60;

my $work = shift;
my ($browser, $to, $from, $session, $left) = (0, undef, undef, undef, '');
my ($number, @noise, @asked) = (0);

# ---- the browser ----

sub start {
    pipe(my $its_input, $to)    or die "pipe: $!";
    pipe($from, my $its_output) or die "pipe: $!";
    $browser = fork() // die "fork: $!";
    if ($browser == 0) {
        # The pipes' ends may have just these numbers.
        my $input  = POSIX::dup2(fileno($its_input), 13);
        my $output = POSIX::dup2(fileno($its_output), 14);
        POSIX::dup2($input, 3);
        POSIX::dup2($output, 4);
        POSIX::close($_) for 5 .. 14;
        open STDERR, '>', "$work/chromium.log" or die;
        # Its sandbox is not to be had in every container; the pages are ours.
        exec 'chromium', '--headless=new', '--no-sandbox', '--disable-gpu',
          '--disable-dev-shm-usage', '--disable-extensions', '--no-first-run',
          '--remote-debugging-pipe', "--user-data-dir=$work/profile", '--window-size=1400,1000',
          'about:blank'
          or die "chromium: $!";
    }
    close $its_input;
    close $its_output;
    $to->autoflush(1);
}

sub note {
    my ($message) = @_;
    my ($method, $what) = ($message->{method}, $message->{params});

    push @noise, encode_json($what)
      if $method =~ /^(Runtime\.consoleAPICalled|Runtime\.exceptionThrown|Log\.entryAdded)$/;
    push @asked, $what->{request}{url} if $method eq 'Network.requestWillBeSent';
}

sub message {
    my $until = time + WAIT;

    while (index($left, "\0") < 0) {
        my $ready = '';
        vec($ready, fileno($from), 1) = 1;
        select($ready, undef, undef, $until - time) or die "chromium says nothing any more\n";
        sysread($from, $left, 65536, length $left) or die "chromium has ended\n";
    }
    $left =~ s/^(.*?)\0//s;
    return decode_json($1);
}

sub ask {
    my ($method, %params) = @_;
    my $id   = ++$number;
    my %text = (id => $id, method => $method, params => \%params);

    $text{sessionId} = $session if defined $session;
    print $to encode_json(\%text) . "\0";
    while (1) {
        my $answer = message();

        note($answer) if defined $answer->{method};
        next unless defined $answer->{id} && $answer->{id} == $id;
        die "$method: $answer->{error}{message}\n" if $answer->{error};
        return $answer->{result};
    }
}

# ---- what is there, and what is done ----

sub fail {
    my ($what) = @_;

    print "page.pl: $what\n";
    my $shot = eval { ask('Page.captureScreenshot')->{data} };
    if (defined $shot) {
        require MIME::Base64;
        open my $file, '>:raw', "$work/failed.png" or die;
        print $file MIME::Base64::decode_base64($shot);
        print "page.pl: this is seen in $work/failed.png\n";
    }
    kill 'KILL', $browser;
    exit 1;
}

sub value {
    my ($expression) = @_;
    my $answer =
      ask('Runtime.evaluate', expression => $expression, returnByValue => JSON::PP::true);

    fail("$expression: $answer->{exceptionDetails}{exception}{description}")
      if $answer->{exceptionDetails};
    return $answer->{result}{value};
}

sub comes {
    my ($expression, $what) = @_;
    my $until = time + WAIT;

    until (value($expression)) {
        fail("$what: $expression") if time > $until;
        sleep 0.02;
    }
}

sub is {
    my ($expression, $wanted) = @_;
    my $found = value($expression) // 'nothing';

    fail("$expression is '$found', not '$wanted'") if $found ne $wanted;
}

my %codes = (Enter => 13, Escape => 27, ArrowLeft => 37, ArrowUp => 38, ArrowRight => 39,
    ArrowDown => 40);

sub press {
    for my $key (@_) {
        my %event = (key => $key);

        $event{windowsVirtualKeyCode} = $codes{$key} if $codes{$key};
        $event{text} = $key eq 'Enter' ? "\r" : $key if length $key == 1 || $key eq 'Enter';
        ask('Input.dispatchKeyEvent', type => 'keyDown', %event);
        delete $event{text};
        ask('Input.dispatchKeyEvent', type => 'keyUp', %event);
    }
}

# Over the middle of the first element of this kind.
sub point {
    my ($selector) = @_;
    my $box = value("(() => { const one = document.querySelector('$selector');"
          . " one.scrollIntoView({block: 'center'}); const box = one.getBoundingClientRect();"
          . " return [box.x + box.width / 2, box.y + box.height / 2]; })()");

    ask('Input.dispatchMouseEvent', type => 'mouseMoved', x => $box->[0], y => $box->[1]);
    return $box;
}

sub click {
    my $box = point(@_);
    my %at  = (x => $box->[0], y => $box->[1], button => 'left', clickCount => 1);

    ask('Input.dispatchMouseEvent', type => 'mousePressed',  %at);
    ask('Input.dispatchMouseEvent', type => 'mouseReleased', %at);
}

sub visit {
    my ($page) = @_;

    @noise = @asked = ();
    ask('Page.navigate', url => "file://$work/$page");
    comes("document.readyState === 'complete' && location.pathname.endsWith('$page')",
        "$page is not loaded");
}

# It has said nothing, and has asked for nothing but itself.
sub was_quiet {
    my ($page) = @_;

    fail("the console of $page: @noise") if @noise;
    fail("$page loads: @asked") if grep { $_ ne "file://$work/$page" } @asked;
}

sub texts {
    my ($selector) = @_;

    return "[...document.querySelectorAll('$selector')].map((one) => one.textContent).join('|')";
}

# ---- the report ----

my $shown = "[...document.querySelectorAll('.matrix .file a')].map((a) => a.textContent).join('|')";
my $focused = 'document.activeElement';

sub filters {
    is("document.querySelectorAll('.matrix .file').length", 3);
    is(texts('.sums .card'), '3scenarios, 5 runs|4passed|1failed|0skipped');
    press('/', split //, 'here and');
    is("$focused.id", 'filter');
    is($shown, 'a read here and there');
    is("document.getElementById('shown').textContent", '1 of 3 scenarios');
    value("document.getElementById('filter').select()");
    press(split //, 'nowhere');
    is("document.querySelector('.matrix')", 'nothing');
    is($shown, '');
    value("document.getElementById('filter').select()");
    press(' ', 'Escape');
    click('[data-state="1"]');
    is($shown, 'a bad sector fails the requests that touch it and no other');
    is(texts('.failures a'), 'a bad sector fails the requests that touch it and no other');
    click('[data-state="-1"]');
    click('.matrix thead th:nth-child(9) button');    # I8
    is($shown, 'a bad sector fails the requests that touch it and no other');
    is("document.querySelector('main h3').textContent.slice(0, 11)", 'I8: status:');
    is("document.querySelector('.file td.broken').cellIndex", 8);
    click('.matrix thead th:nth-child(9) button');
    is("document.querySelectorAll('.matrix .file').length", 3);
}

sub unfolds_by_keys {
    my $row = "$focused.dataset.key";

    value("document.querySelector('.matrix .topic').focus()");
    press('ArrowDown') until value("$row.startsWith('f') && $focused.ariaExpanded !== null");
    press('ArrowRight');
    is(texts('.matrix .run code'), '[read.sector=0]|[read.sector=8]|[read.sector=16]');
    press('ArrowDown');
    is("$focused.className", 'run');
    press('ArrowUp', 'ArrowLeft');
    is("document.querySelectorAll('.matrix .run').length", 0);
}

sub opens_a_scenario {
    value("document.querySelector('.matrix tbody tr').focus()");
    press('ArrowDown') until value("$focused.textContent.includes('bad sector')");
    press('Enter');
    comes("location.hash !== '' && document.querySelector('.ladder')", 'the scenario is not shown');
    is("document.querySelector('main h1').textContent",
        'a bad sector fails the requests that touch it and no other');
    is("document.querySelector('.verdict strong').textContent.slice(2)", 'rule broken (I8)');
    is(texts('pre.text .failed'), 'write    96 +8 fill=2               -> io-error');
    is("document.querySelector('.judge').textContent", value("document.querySelector('.verdict p')"
              . '.textContent'));
    press('f');
    is("$focused.className", 'row app failed');
    is("$focused.querySelector('.words').textContent", "complete request=2 \x{2192} ok");
}

# Each event of the application's second request, in its order, and no other.
sub follows_a_request {
    my $kind = "$focused.querySelector('.words b').textContent";
    my @way  = (
        'submit', 'grant', 'store', 'store', 'notify', 'request', 'ring-index', 'fault', 'notify',
        'response', 'ring-index', 'load', 'grant-end', 'complete'
    );
    my $last = -1;

    press('f', 'Enter');
    comes("document.querySelector('.ladder').classList.contains('following')", 'none is followed');
    is(texts('.journey b'), 'request #2');
    is(texts('.ladder .on .words b'), join '|', @way);
    is(texts('.journey button'),
        join '|', 'submit', "grant \x{2192} ok", 'store [1]', 'store req_prod',
        "notify \x{2192} ok", 'request [1]', 'ring-index', 'fault', "notify \x{2192} ok",
        'response [1]', 'ring-index', 'load [1]', "grant-end \x{2192} ok",
        "complete \x{2192} ok", "\x{d7}");
    press('p') for @way;
    for my $step (@way) {
        my $index = value("Number($focused.dataset.index)");

        is($kind, $step);
        fail("$step comes before what was before it") if $index <= $last;
        is("$focused.querySelector('.request').textContent", '#2');
        $last = $index;
        press('n');
    }
    is($kind, 'complete');
    press('Escape');
    is(texts('.ladder .on'), '');
}

sub tells_fields {
    point('.ladder .row[data-kind=request] .slot');
    comes("!document.getElementById('tip').hidden", 'no card of fields');
    is(texts('#tip b'), 'request');
    is(texts('#tip dt'), 'time|who|device|request|index|op|segments|id|sector_512');
    is("document.querySelectorAll('#tip .slots i').length", 32);
    is("document.querySelectorAll('#tip .slots .busy').length", 1);
    point('main h1');
    comes("document.getElementById('tip').hidden", 'the card stays');
}

sub folds {
    my $rows = "[...document.querySelectorAll('.ladder .row')].filter((row) => "
      . 'row.offsetParent !== null).length';
    my $before = value($rows);

    press('u');
    fail('nothing was unfolded') if value($rows) <= $before;
    is("document.querySelectorAll('.ladder [aria-expanded=false]').length", 0);
    click('.ladder .band');
    is("document.querySelectorAll('.ladder [aria-expanded=false]').length", 1);
    click('pre.text a:nth-child(8)');
    is("$focused.textContent.includes('write 96 +8 fill=2 -> io-error')", 1);
}

# Of a long run only the step that failed is open; whoever is followed opens where he comes by.
sub folds_a_long_run {
    my $open = "[...document.querySelectorAll('.ladder .band[aria-expanded=true]')].map((one) => "
      . "one.querySelector('code').textContent).join('|')";
    my $rows = "document.querySelectorAll('.ladder .row[data-index]').length";

    value("location.hash = '#/0/0'");
    comes("document.querySelector('.ladder')", 'the scenario is not shown');
    is("document.querySelectorAll('.ladder .band').length", 21);
    is($open, 'write 96 +8 -> io-error');
    fail('all rows are drawn') if value($rows) > 100;
    value("document.querySelector('.tools select').value = 3");
    value("document.querySelector('.tools select').dispatchEvent(new Event('change'))");
    is($open, 'read 16 +8 -> ok|write 96 +8 -> io-error');
    is("$focused.querySelector('.words b').textContent", 'submit');
    press('u');
    fail('not all rows are drawn') if value($rows) < 500;
}

sub goes_about {
    press('[');
    comes("document.querySelector('main h1').textContent === 'a read here and there'",
        'no scenario before it');
    is(texts('.chips button'),
        join '|', map { "\x{2713} [read.sector=$_]" } 0, 8, 16);
    click('.chips button:nth-child(3)');
    comes("document.querySelector('.chips button:nth-child(3)').ariaPressed === 'true'",
        'the variant is not shown');
    is("document.querySelector('main > p:last-child code').textContent",
        "simblk run --id 'all/reads/variants[read.sector=16]' all/reads/variants.scn "
          . '--report run.html');
    press('Escape');
    comes("document.querySelector('.matrix') && location.hash === ''", 'no way back');
    press('?');
    is("document.getElementById('keys').open", 1);
    press('Escape');
    comes("!document.getElementById('keys').open", 'the keys stay');
}

# What was given is text.
sub has_no_markup_of_others {
    is("document.querySelectorAll('#wrong, img').length", 0);
    is("[...document.querySelectorAll('.matrix a')].some((a) => a.textContent === "
          . "'</script><img src=x onerror=alert(1)><b id=wrong>')", 1);
    value("[...document.querySelectorAll('.matrix a')].find((a) => "
          . "a.textContent.includes('onerror')).click()");
    comes("document.querySelector('.ladder')", 'the scenario is not shown');
    is("document.querySelectorAll('#wrong, img').length", 0);
    is("document.querySelector('pre.text a:nth-child(3)').textContent",
        'about    "<i id=wrong>"');
}

sub is_light_and_dark_and_prints {
    my $page = "getComputedStyle(document.body).backgroundColor";
    my @seen;

    for my $scheme ('light', 'dark') {
        ask('Emulation.setEmulatedMedia',
            features => [{name => 'prefers-color-scheme', value => $scheme}]);
        push @seen, value($page);
    }
    is("'$seen[0]'", 'rgb(247, 248, 250)');
    is("'$seen[1]'", 'rgb(18, 21, 26)');
    ask('Emulation.setEmulatedMedia', media => 'print', features => []);
    is("getComputedStyle(document.querySelector('nav')).display", 'none');
    is("[...document.querySelectorAll('.ladder .words')].some((one) => one.offsetWidth < 200 && "
          . 'one.offsetParent !== null) ? 1 : 0', 0);
    ask('Emulation.setEmulatedMedia', media => '');
    fail('it does not print') if length ask('Page.printToPDF')->{data} < 10000;
}

# ---- the whole ----

start();
my ($target) = grep { $_->{type} eq 'page' } @{ask('Target.getTargets')->{targetInfos}};
$session = ask('Target.attachToTarget', targetId => $target->{targetId},
    flatten => JSON::PP::true)->{sessionId};
ask($_) for 'Page.enable', 'Runtime.enable', 'Log.enable', 'Network.enable';

visit('report.html');
filters();
unfolds_by_keys();
opens_a_scenario();
follows_a_request();
tells_fields();
folds();
goes_about();
has_no_markup_of_others();
is_light_and_dark_and_prints();
was_quiet('report.html');

visit('empty.html');
is(texts('.sums .card b'), '0|0|0|0');
is("document.querySelector('main p.bad').textContent",
    'Interrupted: the rest was not played.');
was_quiet('empty.html');

visit('refused.html');
is(texts('.sums .card b'), '0|0|0|0');
is("document.querySelector('main p.bad').textContent.slice(0, 57)",
    'Nothing was played: <b id=wrong>.so: it cannot be loaded:');
is("document.querySelectorAll('#wrong').length", 0);
was_quiet('refused.html');

visit('long.html');
folds_a_long_run();
was_quiet('long.html');

visit('compare.html');
is("document.querySelector('h1').textContent", 'Frontends by rule');
is("document.querySelectorAll('td.good').length", 2);
was_quiet('compare.html');

$session = undef;
ask('Browser.close');
waitpid $browser, 0;

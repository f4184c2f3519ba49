/* What programs written by hand for exactly one network take: those of `benches/studies/`, single precision, one thread.

       cc -O3 -march=native -ffast-math -mprefer-vector-width=512 benches/peers/floor.c -lm -o floor
       ./floor coba|cuba [CELLS]
       ./floor stdp

   They print seconds per biological second. Rows have 16-bit targets and one weight, a step is one loop over all cells that the compiler
   turns into vectors, and random numbers are the cheapest there are. */

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DELAY = 8, REFRACTORY = 50 }; /* steps */
static const float DT = 0.1f;        /* ms */

static uint64_t state[2] = {0x9E3779B97F4A7C15ull, 0xD1B54A32D192ED03ull};

/* Uniform between 0 and 1: xorshift128+. */
static double uniform(void) {
    uint64_t a = state[0], b = state[1], sum = a + b;
    state[0] = b;
    a ^= a << 23;
    state[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
    return (double)(sum >> 11) * 0x1p-53;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *zeros(size_t bytes) {
    size_t size = (bytes + 127) / 64 * 64;
    return memset(aligned_alloc(64, size), 0, size);
}

/* The next of many trials with a probability, from the logarithm of its complement. */
static long gap(double log_complement) { return 1 + (long)floor(log(uniform()) / log_complement); }

/* --- COBA and CUBA (Brette et al. 2007), 80 synapses per cell ------------------------------------------------------------------- */

typedef struct {
    int n, padded;
    float *v, *exc, *inh;
    int *refractory;
    uint8_t *fired;
    uint32_t *row;
    uint16_t *target;
} Network;

static Network connect(int n) {
    Network net = {.n = n, .padded = (n + 63) / 64 * 64};
    size_t bytes = (size_t)net.padded * sizeof(float);
    net.v = zeros(bytes), net.exc = zeros(bytes), net.inh = zeros(bytes);
    net.refractory = zeros(bytes), net.fired = zeros((size_t)net.padded);
    net.row = zeros(((size_t)n + 1) * sizeof(uint32_t));
    net.target = zeros((size_t)n * 120 * sizeof(uint16_t));
    double log_complement = log(1 - 80.0 / n);
    uint32_t k = 0;
    for (int i = 0; i < n; i++) {
        for (long j = gap(log_complement) - 1; j < n; j += gap(log_complement)) net.target[k++] = (uint16_t)j;
        net.row[i + 1] = k;
        net.v[i] = -60 + 10 * (float)uniform();
    }
    return net;
}

/* The change of the potential in a step of Euler's; conductances of COBA are in units of the leak. */
static inline float coba(float v, float exc, float inh) {
    return DT / 20 * (-60 - v + exc * (0 - v) + inh * (-80 - v) + 20);
}
static inline float cuba(float v, float exc, float inh) { return DT / 20 * (-49 - v + exc + inh); }

static inline void advance(Network *net, float (*change)(float, float, float)) {
    const float decay_exc = expf(-DT / 5), decay_inh = expf(-DT / 10);
    float *restrict v = net->v, *restrict exc = net->exc, *restrict inh = net->inh;
    int *restrict refractory = net->refractory;
    uint8_t *restrict fired = net->fired;
    for (int i = 0; i < net->padded; i++) {
        int wait = refractory[i];
        float free = v[i] + change(v[i], exc[i], inh[i]);
        float next = wait > 0 ? v[i] : free;
        int fires = next > -50 && i < net->n;
        fired[i] = (uint8_t)fires;
        v[i] = fires ? -60 : next;
        refractory[i] = fires ? REFRACTORY : wait > 0 ? wait - 1 : 0;
        exc[i] *= decay_exc;
        inh[i] *= decay_inh;
    }
}

static int collect(const Network *net, int *cells) {
    int n = 0;
    for (int i = 0; i < net->padded; i += 64) {
        uint64_t any = 0;
        for (int k = 0; k < 64; k += 8) {
            uint64_t eight;
            memcpy(&eight, net->fired + i + k, 8);
            any |= eight;
        }
        for (int k = 0; any && k < 64; k++)
            if (net->fired[i + k]) cells[n++] = i + k;
    }
    return n;
}

static void spiking(const char *name, int n) {
    Network net = connect(n);
    int is_coba = !strcmp(name, "coba"), n_exc = n * 4 / 5, count[DELAY] = {0};
    const float w_exc = is_coba ? 0.6f : 1.62f, w_inh = is_coba ? 6.7f : -9;
    int *sent[DELAY];
    for (int d = 0; d < DELAY; d++) sent[d] = zeros((size_t)n * sizeof(int));
    long spikes = 0, steps = 50000;
    double begun = now();
    for (long step = 0; step < steps; step++) {
        int slot = (int)(step % DELAY);
        if (is_coba) advance(&net, coba);
        else advance(&net, cuba);
        for (int s = 0; s < count[slot]; s++) {
            int cell = sent[slot][s];
            float *port = cell < n_exc ? net.exc : net.inh, weight = cell < n_exc ? w_exc : w_inh;
            for (uint32_t k = net.row[cell]; k < net.row[cell + 1]; k++) port[net.target[k]] += weight;
        }
        spikes += count[slot] = collect(&net, sent[slot]);
    }
    double seconds = (double)steps * DT / 1000;
    printf("%s %d: %.4f s per s, %.2f Hz\n", name, n, (now() - begun) / seconds, (double)spikes / n / seconds);
}

/* --- Pair STDP (Song, Miller & Abbott 2000): 10 000 inputs onto 100 cells, the first ten seconds -------------------------------------- */

static void stdp(void) {
    enum { SOURCES = 10000, TARGETS = 100, STRIDE = 112 };
    const float most = 1e-3f, plus = 1e-5f, minus = 1.05e-5f;
    static float v[STRIDE], g[STRIDE], post[STRIDE], grown[SOURCES], pre[SOURCES], last[SOURCES];
    float *weight = zeros(sizeof(float) * SOURCES * STRIDE);
    for (int i = 0; i < SOURCES * STRIDE; i++) weight[i] = most * (float)uniform();
    for (int j = 0; j < STRIDE; j++) v[j] = -74;
    const float decay_g = expf(-DT / 5), decay = expf(-DT / 20);
    const double log_complement = log(1 - 15 * DT * 1e-3);
    long steps = 100000, spikes = 0, source = gap(log_complement) - 1;
    double begun = now();
    for (long step = 0; step < steps; step++) {
        float t = (float)step * DT;
        for (int j = 0; j < STRIDE; j++) {
            v[j] += DT / 10 * (-74 - v[j] - g[j] * v[j]);
            g[j] *= decay_g;
            post[j] *= decay;
        }
        for (; source < SOURCES; source += gap(log_complement)) {
            float *row = weight + source * STRIDE;
            for (int j = 0; j < STRIDE; j++) {
                g[j] += row[j];
                float less = row[j] - minus * post[j];
                row[j] = less < 0 ? 0 : less;
            }
            pre[source] = pre[source] * expf((last[source] - t) / 20) + 1;
            last[source] = t;
        }
        source -= SOURCES;
        int any = 0;
        for (int j = 0; j < TARGETS; j++) any |= v[j] > -54;
        if (!any) continue;
        for (int i = 0; i < SOURCES; i++) grown[i] = plus * pre[i] * expf((last[i] - t) / 20);
        for (int j = 0; j < TARGETS; j++) {
            if (v[j] <= -54) continue;
            v[j] = -60;
            post[j] += 1;
            spikes++;
            for (int i = 0; i < SOURCES; i++) {
                float more = weight[i * STRIDE + j] + grown[i];
                weight[i * STRIDE + j] = more > most ? most : more;
            }
        }
    }
    double seconds = (double)steps * DT / 1000, sum = 0;
    for (int i = 0; i < SOURCES; i++)
        for (int j = 0; j < TARGETS; j++) sum += weight[i * STRIDE + j];
    printf("stdp: %.4f s per s, %.2f Hz, mean weight %.3f of the largest\n", (now() - begun) / seconds,
           (double)spikes / TARGETS / seconds, sum / SOURCES / TARGETS / most);
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "stdp")) stdp();
    else if (argc > 1) spiking(argv[1], argc > 2 ? atoi(argv[2]) : 4000);
    return argc > 1 ? 0 : 2;
}
